import { draftOf } from '@pixtorrent/catalog';
import { afterEach, expect, it } from 'vitest';
import { DraftReader } from './draft-reader.ts';

let reader: DraftReader;

afterEach(() => reader.close());

/** A torrent file of so many files. */
function torrent(files: number): Buffer {
  const list = Array.from({ length: files }, (_, i) => `d6:lengthi1e4:pathl7:${1_000_000 + i}ee`).join('');
  return Buffer.from(
    `d4:infod5:filesl${list}e4:name1:x12:piece lengthi16777216e6:pieces20:${'p'.repeat(20)}ee`,
  );
}

it('reads large torrents as it reads small ones', async () => {
  reader = new DraftReader();
  for (const files of [1, 10_000]) {
    const input = { name: 'a', torrent: torrent(files), replicas: 3, labels: { ['__proto__']: 'x', b: '' } };
    const draft = await reader.read(input);
    expect(draft).toEqual(draftOf(input));
    expect(draft.torrent).toBe(input.torrent);
    expect(reader.jobs).toBe(0);
  }
});

it('outlives a torrent that takes more memory than it may, and reads what came with it', async () => {
  reader = new DraftReader({ maxHeap: 32 });
  const [greedy, fine, broken] = await Promise.allSettled([
    reader.read({ name: 'greedy', torrent: torrent(400_000) }),
    reader.read({ name: 'fine', torrent: torrent(2_000) }),
    reader.read({ name: 'broken', torrent: torrent(2_000).subarray(1) }),
  ]);
  expect(greedy).toMatchObject({
    status: 'rejected',
    reason: { code: 'invalid', message: 'torrent: takes too much memory to read' },
  });
  expect(fine).toMatchObject({ status: 'fulfilled', value: { name: 'fine', size: 2_000 } });
  expect(broken).toMatchObject({ status: 'rejected', reason: { code: 'invalid' } });
});

it('refuses what is too much at once, and whatever waits when it is closed', async () => {
  reader = new DraftReader();
  const large = torrent(10_000);
  const waiting = Array.from({ length: 16 }, (_, i) => reader.read({ name: `n${i}`, torrent: large }));
  const ends = Promise.allSettled(waiting);
  expect(reader.jobs).toBe(16);
  await expect(reader.read({ name: 'more', torrent: large })).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
  });
  await reader.close();
  for (const end of await ends) expect(end).toMatchObject({ reason: { code: 'UNAVAILABLE' } });
  await expect(reader.read({ name: 'late', torrent: large })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
