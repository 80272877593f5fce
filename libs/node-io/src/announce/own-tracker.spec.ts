import { infoHash, peerId, SeededRandom, silentLogger } from '@pixtorrent/core';
import { VirtualTime } from '@pixtorrent/testkit';
import { HttpFrontend, MemoryPeerStore, Tracker } from '@pixtorrent/tracker';
import type { AnnounceRequest } from '@pixtorrent/tracker-protocol';
import { expect, it } from 'vitest';
import { announce, scrape } from './announce.ts';

it('talks to our own tracker', async () => {
  const time = new VirtualTime();
  const store = new MemoryPeerStore(
    { clock: time, wallClock: time, timers: time, random: new SeededRandom(1) },
    { timeToLive: 60_000 },
  );
  const frontend = await HttpFrontend.listen(new Tracker(store), silentLogger, {
    host: '127.0.0.1',
    port: 0,
  });
  const url = `http://127.0.0.1:${frontend.port}/announce`;
  const hash = infoHash(new Uint8Array(20).fill(0x26));
  const request = (port: number, left: number): AnnounceRequest => {
    const id = peerId(new Uint8Array(20).fill(port));
    return { infoHash: hash, peerId: id, port, uploaded: 0, downloaded: 0, left };
  };
  try {
    await announce(url, { ...request(1, 0), event: 'started' });
    const { peers } = await announce(url, { ...request(2, 9), event: 'started' });
    expect(peers).toEqual([{ host: '127.0.0.1', port: 1 }]);
    const unknown = infoHash(new Uint8Array(20));
    expect(await scrape(url, [unknown, hash])).toEqual([
      undefined,
      { seeders: 1, leechers: 1, completed: 0 },
    ]);
    await announce(url, { ...request(1, 0), event: 'stopped' });
    expect((await announce(url, request(2, 9))).seeders).toBe(0);
  } finally {
    await frontend.close();
    await store.close();
  }
});
