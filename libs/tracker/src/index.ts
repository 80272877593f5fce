export type {
  AdmissionDependencies,
  AdmissionOptions,
  Admitted,
  KnownTorrents,
} from './admission/admission.ts';
export { Admission } from './admission/admission.ts';
export { AdmittingTracker } from './admission/admitting-tracker.ts';
export type { RateLimitDependencies, RateLimitOptions } from './admission/rate-limit.ts';
export { RateLimit } from './admission/rate-limit.ts';
export type { PeerStoreErrorCode, RefusedErrorCode } from './errors.ts';
export { PeerStoreError, RefusedError } from './errors.ts';
export type { HttpFrontendOptions } from './frontends/http/server.ts';
export { HttpFrontend } from './frontends/http/server.ts';
export { Networks } from './frontends/networks.ts';
export type { Asking, TrackerAnswer, TrackerLogic } from './frontends/tracker-logic.ts';
export type { PacketRefusal, UdpFrontendOptions } from './frontends/udp/server.ts';
export { UdpFrontend } from './frontends/udp/server.ts';
export type { MemoryPeerStoreDependencies, MemoryPeerStoreOptions } from './stores/memory-peer-store.ts';
export { MemoryPeerStore } from './stores/memory-peer-store.ts';
export type {
  Heard,
  MemberChange,
  PeerAnnounce,
  PeerSelection,
  PeerStore,
  SharedPeerStore,
  StoredPeer,
  SwarmFigures,
  SwarmTotals,
} from './stores/peer-store.ts';
export type {
  RedisPeerStoreDependencies,
  RedisPeerStoreOptions,
  SweepFigures,
} from './stores/redis/redis-peer-store.ts';
export { RedisPeerStore } from './stores/redis/redis-peer-store.ts';
export type {
  ResilienceFigures,
  ResilientPeerStoreDependencies,
  ResilientPeerStoreOptions,
  SharedStoreState,
} from './stores/resilient/resilient-peer-store.ts';
export { ResilientPeerStore } from './stores/resilient/resilient-peer-store.ts';
export type { TrackerOptions } from './tracker.ts';
export { Tracker, timeToLive } from './tracker.ts';
