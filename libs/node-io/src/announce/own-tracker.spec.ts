import { infoHash, peerId } from '@pixtorrent/core';
import { startHttpTracker } from '@pixtorrent/tracker';
import type { AnnounceRequest } from '@pixtorrent/tracker-protocol';
import { expect, it } from 'vitest';
import { announce, scrape } from './announce.ts';

it('talks to our own tracker', async () => {
  const tracker = await startHttpTracker({ host: '127.0.0.1', port: 0 });
  const hash = infoHash(new Uint8Array(20).fill(0x26));
  const request = (port: number, left: number): AnnounceRequest => {
    const id = peerId(new Uint8Array(20).fill(port));
    return { infoHash: hash, peerId: id, port, uploaded: 0, downloaded: 0, left };
  };
  try {
    await announce(tracker.url, { ...request(1, 0), event: 'started' });
    const { peers } = await announce(tracker.url, { ...request(2, 9), event: 'started' });
    expect(peers).toEqual([{ host: '127.0.0.1', port: 1 }]);
    const unknown = infoHash(new Uint8Array(20));
    expect(await scrape(tracker.url, [unknown, hash])).toEqual([
      undefined,
      { seeders: 1, leechers: 1, completed: 0 },
    ]);
    await announce(tracker.url, { ...request(1, 0), event: 'stopped' });
    expect((await announce(tracker.url, request(2, 9))).seeders).toBe(0);
  } finally {
    await tracker.close();
  }
});
