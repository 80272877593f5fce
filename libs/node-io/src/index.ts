export { type AskOptions, announce, scrape } from './announce/announce.ts';
export { HashError } from './hashing/errors.ts';
export { Hasher, type HasherOptions } from './hashing/hasher.ts';
export { Slab, type SlabFigures, type SlabOptions, type Slot } from './memory/slab.ts';
export type { Lease } from './storage/cached-segment.ts';
export { type CheckDependencies, type CheckOptions, checkContent } from './storage/check-content.ts';
export {
  Checkpointer,
  type CheckpointerDependencies,
  type CheckpointerOptions,
} from './storage/checkpointer.ts';
export { deleteContent } from './storage/delete-content.ts';
export { StorageError, type StorageErrorCode } from './storage/errors.ts';
export {
  type FileStamp,
  FileStorage,
  type FileStorageOptions,
  type StoredContent,
} from './storage/file-storage.ts';
export { type HashProgress, hashContent } from './storage/hash-content.ts';
export { type ContentShape, Layout, type Place, type Segment } from './storage/layout.ts';
export { type ContentListing, listContent } from './storage/list-content.ts';
export { MemoryStorage } from './storage/memory-storage.ts';
export {
  type CachedPieces,
  PieceCache,
  type PieceCacheFigures,
  type PieceCacheOptions,
} from './storage/piece-cache.ts';
export { replaceFile, syncFolder } from './storage/replace-file.ts';
export { ResumeFile } from './storage/resume-file.ts';
export type { ResumeRecord } from './storage/resume-record.ts';
export type { Storage } from './storage/storage.ts';
export { Turns } from './storage/turns.ts';
export { writeVerified } from './storage/write-verified.ts';
export type { DialOptions } from './tcp/dial.ts';
export { NetworkError, type NetworkErrorCode } from './tcp/errors.ts';
export type { Listener, ListenOptions } from './tcp/listener.ts';
export type { ConnectionEnd, ConnectionReceiver, PeerConnection } from './tcp/peer-connection.ts';
export { TcpTransport, type TransportOptions } from './tcp/tcp-transport.ts';
export type { TlsCertificates, TlsIdentity, TlsOptions } from './tcp/tls.ts';
export { backgroundTimers, systemClock, systemTimers } from './time/system.ts';
