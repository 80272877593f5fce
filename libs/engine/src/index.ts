export type { PieceOrder, TorrentOptions, Tuning } from './options.ts';
export { DEFAULT_TUNING } from './options.ts';
export type { ConnectionInfo } from './peer.ts';
export { Peer } from './peer.ts';
export type { PieceState } from './pieces/piece-table.ts';
export * from './ports.ts';
export { TokenBucket } from './rates/token-bucket.ts';
export { Reputation } from './reputation/reputation.ts';
export { Torrent } from './torrent.ts';
