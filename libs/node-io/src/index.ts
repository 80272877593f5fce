export { HashError } from './hashing/errors.ts';
export { Hasher, type HasherOptions } from './hashing/hasher.ts';
export { Slab, type SlabFigures, type SlabOptions, type Slot } from './memory/slab.ts';
export type { Lease } from './storage/cached-segment.ts';
export { StorageError, type StorageErrorCode } from './storage/errors.ts';
export { type FileStamp, FileStorage, type FileStorageOptions } from './storage/file-storage.ts';
export { type ContentShape, Layout, type Place, type Segment } from './storage/layout.ts';
export { MemoryStorage } from './storage/memory-storage.ts';
export {
  type CachedPieces,
  PieceCache,
  type PieceCacheFigures,
  type PieceCacheOptions,
} from './storage/piece-cache.ts';
export type { Storage } from './storage/storage.ts';
export { backgroundTimers, systemClock, systemTimers } from './time/system.ts';
