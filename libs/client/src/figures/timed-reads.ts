import { type Storage, systemClock } from '@pixtorrent/node-io';
import type { Distribution } from './distribution.ts';

/** Reads from a storage, and how long each took. */
export function timedReads(storage: Storage, latency: Distribution): Pick<Storage, 'read'> {
  return {
    read: async (offset, buffer) => {
      const start = systemClock.now();
      await storage.read(offset, buffer);
      latency.record(systemClock.now() - start);
    },
  };
}
