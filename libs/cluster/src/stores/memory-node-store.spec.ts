import type { Timers } from '@pixtorrent/core';
import { nodeStoreSuite } from '../node-store.suite.ts';
import { MemoryNodeStore } from './memory-node-store.ts';

const timers: Timers = {
  after(delay, callback) {
    const timer = setTimeout(callback, delay);
    return { cancel: () => clearTimeout(timer) };
  },
};

nodeStoreSuite('MemoryNodeStore', async (limits) => {
  const store = new MemoryNodeStore({ timers }, limits);
  return [store, store];
});
