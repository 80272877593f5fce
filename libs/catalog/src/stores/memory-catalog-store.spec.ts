import { catalogStoreSuite } from '../catalog-store.suite.ts';
import { MemoryCatalogStore } from './memory-catalog-store.ts';

catalogStoreSuite('MemoryCatalogStore', async (limits) => {
  const store = new MemoryCatalogStore({ wallClock: { now: () => 1_700_000_000_000 } }, limits);
  return [store, store];
});
