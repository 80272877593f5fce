export { Client, type ClientOptions, type DownloadOptions, type SeedOptions } from './client.ts';
export { type CreateOptions, createTorrent } from './content/create-torrent.ts';
export { FILE_SYSTEM } from './content/file-system.ts';
export { type Verification, verifyContent } from './content/verify-content.ts';
export { ClientError, type ClientErrorCode } from './errors.ts';
export type { ClientFigures, PeerFigures } from './figures/client-figures.ts';
export type { DistributionFigures } from './figures/distribution.ts';
export type { MagnetOptions } from './magnet/fetch-metadata.ts';
export type { Limits } from './rate-limits.ts';
export type { ConnectedPeer } from './session/connected-peer.ts';
export type { DrainProgress } from './session/draining.ts';
export type { ReadOptions } from './session/reading/content-reader.ts';
export type { ScrubOptions, ScrubProgress } from './session/scrubbing.ts';
export type { SessionEvents, SessionStats, SwarmAvailability } from './session/session-events.ts';
export type { SessionOptions } from './session/session-options.ts';
export { TorrentSession } from './session/torrent-session.ts';
export type {
  Announce,
  AnnounceOptions,
  SessionHandle,
  SessionListener,
  TrackerAnswer,
} from './trackers/announce.ts';
export { TrackerAnnouncer } from './trackers/tracker-announcer.ts';
export type {
  TrackerAnnouncerDependencies,
  TrackerAnnouncerOptions,
  TransferFigures,
} from './trackers/tracker-announcer-options.ts';
export type { TrackerStatus } from './trackers/tracker-status.ts';
