export { bitfield, damaged, range, splits, torrentShape } from './arbitraries.ts';
export { type IssuedCertificate, type IssueOptions, TestAuthority } from './certificates.ts';
export { contentRange, pieceContent } from './content.ts';
export type { TestkitErrorCode } from './errors.ts';
export { TestkitError } from './errors.ts';
export { ManualTimers } from './manual-timers.ts';
export {
  RawBep3,
  type RawHandshake,
  RawPixWire,
  type RawPixWireTerms,
  rawBep3Handshake,
  rawBep3Message,
  rawPixWireFrame,
  rawPixWireHandshake,
  u32,
} from './raw-frames.ts';
export { complaints } from './scenarios/invariants.ts';
export { randomScenario, type Scenario } from './scenarios/random-scenario.ts';
export { type RawFrame, ScriptedListener, ScriptedPeer } from './scripted-peer.ts';
export type { NodeBehaviour, NodeOptions } from './simulated-node.ts';
export { SimulatedNode } from './simulated-node.ts';
export type { SwarmBounds, SwarmOptions } from './simulated-swarm.ts';
export { SimulatedSwarm, shapeOf } from './simulated-swarm.ts';
export type { NodeReport, SwarmReport } from './swarm-report.ts';
export { Trace } from './trace.ts';
export type { HostRates } from './virtual-host.ts';
export { VirtualHost } from './virtual-host.ts';
export type { NetworkOptions } from './virtual-network.ts';
export { VirtualNetwork } from './virtual-network.ts';
export type { LinkContext, LinkCounters, PeerInbox } from './virtual-peer-link.ts';
export { VirtualPeerLink } from './virtual-peer-link.ts';
export type { PieceIoClient, PieceIoOptions } from './virtual-piece-io.ts';
export { VirtualPieceIo } from './virtual-piece-io.ts';
export type { SocketHandler, VirtualFrame } from './virtual-socket.ts';
export { VirtualSocket } from './virtual-socket.ts';
export type { RunBounds, RunEnd } from './virtual-time.ts';
export { VirtualTime } from './virtual-time.ts';
