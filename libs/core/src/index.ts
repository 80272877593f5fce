export { Bitfield } from './bitfield.ts';
export type { Clock, Timer, Timers } from './clock.ts';
export type { Endpoint } from './endpoint.ts';
export { endpointKey } from './endpoint.ts';
export { PixError, printable, unreachable } from './errors.ts';
export type { InfoHash, PeerId, PieceIndex } from './ids.ts';
export {
  ID_LENGTH,
  infoHash,
  infoHashFromHex,
  isPixTorrent,
  newPeerId,
  PEER_ID_PREFIX,
  peerId,
  pieceIndex,
  sameBytes,
  toHex,
} from './ids.ts';
export type { LogFields, Logger } from './logger.ts';
export { silentLogger } from './logger.ts';
export type { Random } from './random.ts';
export { SeededRandom, shuffle } from './random.ts';
