export type { CachedCatalogDependencies, CachedCatalogOptions } from './cached/cached-catalog.ts';
export { CachedCatalog } from './cached/cached-catalog.ts';
export type { CopiedEntry, CopyChange } from './cached/copy.ts';
export type { CatalogLimits } from './catalog-limits.ts';
export type {
  CatalogChange,
  CatalogDraft,
  CatalogEntry,
  CatalogQuery,
  CatalogStore,
  Labels,
  LostEntry,
  Removal,
  RemovedVersion,
  Replicas,
} from './catalog-store.ts';
export type { DraftInput } from './draft/draft-of.ts';
export { draftOf, MAX_TORRENT_LENGTH } from './draft/draft-of.ts';
export { hasLabels, labelFaults } from './draft/labels.ts';
export { nameFault } from './draft/name.ts';
export type { EntryPlace } from './entry-order.ts';
export type { CatalogErrorCode, FieldFault } from './errors.ts';
export { CatalogError } from './errors.ts';
export type { MemoryCatalogStoreDependencies } from './stores/memory-catalog-store.ts';
export { MemoryCatalogStore } from './stores/memory-catalog-store.ts';
export type {
  RedisCatalogStoreDependencies,
  RedisCatalogStoreOptions,
} from './stores/redis/redis-catalog-store.ts';
export { RedisCatalogStore } from './stores/redis/redis-catalog-store.ts';
