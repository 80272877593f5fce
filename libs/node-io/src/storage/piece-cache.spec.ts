import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slab } from '../memory/slab.ts';
import type { Lease } from './cached-segment.ts';
import { StorageError } from './errors.ts';
import { madeTorrent } from './fixtures/made-torrent.ts';
import { MemoryStorage } from './memory-storage.ts';
import { PieceCache } from './piece-cache.ts';

const MiB = 1024 * 1024;

/** A storage that counts its reads, can be held up, and can fail. */
class ObservedStorage extends MemoryStorage {
  reads: [offset: number, length: number][] = [];
  gate: Promise<void> = Promise.resolve();
  broken = false;

  override async read(offset: number, buffer: Uint8Array): Promise<void> {
    this.reads.push([offset, buffer.length]);
    await this.gate;
    if (this.broken) throw new StorageError('read-failed', '/x', 'cannot read /x: EIO');
    return super.read(offset, buffer);
  }
}

function setUp(length: number, pieceLength: number, limit = 16 * MiB, cacheLimit?: number) {
  const shape = { length, pieceLength, pieceCount: Math.ceil(length / pieceLength) };
  const files = [{ path: ['f'], offset: 0, length, padding: false, executable: false, hidden: false }];
  const storage = new ObservedStorage({ ...shape, files });
  for (let at = 0; at < length; at += 4096) storage.content.fill((at / 4096) % 251, at, at + 4096);
  const slab = new Slab({ limit });
  const cache = new PieceCache(slab, cacheLimit === undefined ? {} : { limit: cacheLimit });
  return { storage, slab, cache, pieces: cache.open(storage, shape), shape };
}

const bytesOf = (lease: Lease, offset: number, length: number) =>
  Buffer.from(lease.buffer.subarray(offset - lease.start, offset - lease.start + length));

describe('PieceCache', () => {
  it('reads a piece once, whole, for all who ask, and answers the next at once', async () => {
    const { storage, pieces, cache } = setUp(MiB, 256 * 1024);
    const asked = [pieces.read(1, 0, 16384), pieces.read(1, 16384, 16384), pieces.read(1, 0, 16384)];
    const leases = await Promise.all(asked);
    expect(storage.reads).toEqual([[256 * 1024, 256 * 1024]]);
    const hit = pieces.read(1, 32768, 16384);
    expect(hit).not.toBeInstanceOf(Promise);
    const expected = storage.content.subarray(256 * 1024 + 32768, 256 * 1024 + 49152);
    expect(bytesOf(hit as Lease, 32768, 16384).equals(expected)).toBe(true);
    for (const lease of [...leases, hit as Lease]) lease.release();
    expect(() => (hit as Lease).release()).toThrow('released twice');
    expect(cache.figures()).toEqual({ bytes: 256 * 1024, hits: 3, misses: 1, waiting: 0 });
  });

  it('reads large pieces in aligned parts, and a range across two of them by itself', async () => {
    const { storage, pieces, slab } = setUp(20 * MiB, 10 * MiB, 64 * MiB);
    (await pieces.read(1, 9 * MiB, 16384)).release();
    expect(storage.reads).toEqual([[18 * MiB, 2 * MiB]]);
    const across = await pieces.read(0, 4 * MiB - 100, 200);
    expect(
      bytesOf(across, 4 * MiB - 100, 200).equals(storage.content.subarray(4 * MiB - 100, 4 * MiB + 100)),
    ).toBe(true);
    expect(storage.reads[1]).toEqual([4 * MiB - 100, 200]);
    expect(slab.used).toBe(2 * MiB + 4096);
    across.release();
    expect(slab.used).toBe(2 * MiB);
  });

  it('refuses a range outside the piece', () => {
    const { pieces } = setUp(100_000, 65_536);
    expect(() => pieces.read(0, 65_536, 1)).toThrow(RangeError);
    expect(() => pieces.read(0, 65_000, 1000)).toThrow(RangeError);
    expect(() => pieces.read(1, 0, 40_000)).toThrow(RangeError);
    expect(() => pieces.read(0, -1, 10)).toThrow(RangeError);
    expect(() => pieces.read(0, 0, 0)).toThrow(RangeError);
  });

  it('refuses a range outside a piece that it holds', async () => {
    const { pieces } = setUp(100_000, 65_536);
    (await pieces.read(1, 0, 100)).release();
    expect(() => pieces.read(1, 0, 40_000)).toThrow(RangeError);
  });

  it('sends on a piece that was just downloaded without reading it', async () => {
    const { storage, pieces, slab } = setUp(MiB, 256 * 1024);
    const slot = slab.acquire(256 * 1024)!;
    slot.buffer.fill(0x42);
    expect(pieces.insert(2, slot)).toBe(true);
    expect(pieces.insert(2, slot)).toBe(false);
    slot.release();
    const lease = pieces.read(2, 0, 4) as Lease;
    expect(bytesOf(lease, 0, 4).toString()).toBe('BBBB');
    expect(storage.reads).toEqual([]);
    lease.release();
    expect(slab.used).toBe(256 * 1024);
  });

  it('gives up what was unused for longest, never what is being sent', async () => {
    const { storage, pieces } = setUp(MiB, 64 * 1024, 16 * MiB, 128 * 1024);
    const first = await pieces.read(0, 0, 10);
    (await pieces.read(1, 0, 10)).release();
    (await pieces.read(2, 0, 10)).release();
    expect(pieces.read(0, 0, 10)).not.toBeInstanceOf(Promise);
    expect(bytesOf(first, 0, 10).equals(storage.content.subarray(0, 10))).toBe(true);
    (await pieces.read(1, 0, 10)).release();
    expect(storage.reads.map(([offset]) => offset / 65536)).toEqual([0, 1, 2, 1]);
  });

  it('does not give up what is sent again after it was unused', async () => {
    const { storage, pieces, slab } = setUp(MiB, 64 * 1024, 256 * 1024);
    (await pieces.read(0, 0, 10)).release();
    const again = pieces.read(0, 0, 10) as Lease;
    const expected = Buffer.from(storage.content.subarray(0, 10));
    while (slab.acquire(64 * 1024)?.buffer.fill(0xee) !== undefined);
    expect(bytesOf(again, 0, 10).equals(expected)).toBe(true);
    expect(pieces.read(0, 0, 10)).toBe(again);
  });

  it('lets a read wait until memory comes back from a send', async () => {
    const { pieces, cache } = setUp(MiB, 64 * 1024, 16 * MiB, 64 * 1024);
    const first = await pieces.read(0, 0, 10);
    const order: string[] = [];
    const second = Promise.resolve(pieces.read(1, 0, 10)).then((lease) => {
      order.push('second');
      return lease;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(cache.figures().waiting).toBe(1);
    order.push('released');
    first.release();
    (await second).release();
    expect(order).toEqual(['released', 'second']);
    expect(cache.figures().waiting).toBe(0);
  });

  it('gives memory back to a download that is refused some', async () => {
    const { pieces, slab } = setUp(MiB, 64 * 1024, 256 * 1024, 256 * 1024);
    for (const piece of [0, 1, 2, 3]) (await pieces.read(piece, 0, 10)).release();
    const busy = await pieces.read(3, 0, 10);
    expect(slab.used).toBe(256 * 1024);
    expect(slab.acquire(64 * 1024)).toBeDefined();
    expect(slab.acquire(64 * 1024)).toBeDefined();
    expect(slab.used).toBeLessThanOrEqual(256 * 1024);
    expect(pieces.read(3, 0, 10)).toBe(busy);
  });

  it('keeps what is in the reserve for sending, for no download could have it', async () => {
    const { storage, pieces, slab } = setUp(MiB, 64 * 1024, 256 * 1024);
    (await pieces.read(0, 0, 10)).release();
    while (slab.acquire(64 * 1024) !== undefined);
    expect(pieces.read(0, 0, 10)).not.toBeInstanceOf(Promise);
    expect(storage.reads).toHaveLength(1);
  });

  it('still sends while downloads have taken all they may', async () => {
    const { pieces, slab } = setUp(MiB, 64 * 1024, 256 * 1024);
    while (slab.acquire(64 * 1024) !== undefined);
    slab.onAvailable(64 * 1024, () => {});
    for (const piece of [0, 1, 2, 3]) (await pieces.read(piece, 0, 10)).release();
    expect(slab.used).toBe(256 * 1024);
  });

  it('forgets a piece that turned out wrong, but not who is sending it', async () => {
    const { storage, pieces, slab } = setUp(MiB, 256 * 1024);
    (await pieces.read(0, 0, 16384)).release();
    const sending = await pieces.read(1, 0, 16384);
    for (const piece of [0, 1, 2]) pieces.drop(piece);
    expect(slab.used).toBe(256 * 1024);
    storage.content.fill(9, 256 * 1024, 512 * 1024);
    const again = await pieces.read(1, 0, 16384);
    expect([bytesOf(sending, 0, 1)[0], bytesOf(again, 0, 1)[0]]).not.toEqual([9, 9]);
    expect(bytesOf(again, 0, 1)[0]).toBe(9);
    sending.release();
    expect(slab.used).toBe(256 * 1024);
    again.release();
    pieces.drop(1);
    expect(slab.used).toBe(0);
  });

  it('tells all who asked that the disk failed, and reads again for the next', async () => {
    const { storage, pieces, slab } = setUp(MiB, 64 * 1024);
    storage.broken = true;
    const both = await Promise.allSettled([pieces.read(0, 0, 10), pieces.read(0, 20, 10)]);
    for (const outcome of both) expect(outcome).toMatchObject({ reason: { code: 'read-failed' } });
    expect(slab.used).toBe(0);
    storage.broken = false;
    (await pieces.read(0, 0, 10)).release();
    expect(storage.reads).toHaveLength(2);
  });

  it('gives everything back when a torrent is closed, and what is on its way when it is done', async () => {
    const { storage, pieces, slab, cache } = setUp(MiB, 64 * 1024);
    (await pieces.read(0, 0, 10)).release();
    const sending = await pieces.read(1, 0, 10);
    let open = () => {};
    storage.gate = new Promise((resolve) => {
      open = resolve;
    });
    const reading = pieces.read(2, 0, 10);
    pieces.close();
    expect(slab.used).toBe(2 * 64 * 1024);
    sending.release();
    open();
    (await reading).release();
    expect(slab.used).toBe(0);
    cache.close();
  });

  it('never mixes up bytes and never loses memory, in whatever order it is used', async () => {
    const action = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ type: fc.constant('read' as const), piece: fc.nat(9), at: fc.nat() }),
      },
      { weight: 3, arbitrary: fc.record({ type: fc.constant('release' as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('insert' as const), piece: fc.nat(9) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          type: fc.constant('download' as const),
          size: fc.integer({ min: 1, max: 200 }),
        }),
      },
    );
    const PIECE = 8192;
    const { metainfo, content } = madeTorrent([{ length: 9.5 * PIECE }], PIECE);
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        const storage = new MemoryStorage(metainfo);
        storage.content.set(content);
        const slab = new Slab({ limit: 8 * PIECE });
        const cache = new PieceCache(slab, { limit: 4 * PIECE });
        const pieces = cache.open(storage, metainfo);
        const held: { lease: Lease; check: () => void }[] = [];
        const waiting: Promise<unknown>[] = [];
        const release = ({ lease, check }: (typeof held)[number]) => {
          check();
          lease.release();
        };
        for (const step of actions) {
          if (step.type === 'read') {
            const size = step.piece === 9 ? PIECE / 2 : PIECE;
            const offset = step.at % size;
            const hold = (lease: Lease) => {
              const from = step.piece * PIECE + offset;
              const check = () => expect(bytesOf(lease, offset, 1)[0]).toBe(content[from]);
              check();
              held.push({ lease, check });
            };
            const answer = pieces.read(step.piece, offset, 1);
            if (answer instanceof Promise) waiting.push(answer.then(hold));
            else hold(answer);
          } else if (step.type === 'release') {
            if (held.length > 0) release(held.splice(step.which % held.length, 1)[0]!);
            await Promise.resolve();
          } else if (step.type === 'insert') {
            const size = step.piece === 9 ? PIECE / 2 : PIECE;
            const slot = slab.acquire(size);
            slot?.buffer.set(content.subarray(step.piece * PIECE, step.piece * PIECE + size));
            if (slot) pieces.insert(step.piece, slot);
            slot?.release();
          } else {
            const slot = slab.acquire(step.size * 80);
            slot?.buffer.fill(0);
            slot?.release();
          }
          expect(cache.figures().bytes).toBeLessThanOrEqual(4 * PIECE);
          expect(slab.used).toBeLessThanOrEqual(8 * PIECE);
        }
        let left = waiting.length;
        for (const one of waiting) void one.finally(() => left--);
        for (let rounds = 0; left > 0 || held.length > 0; rounds++) {
          expect(rounds).toBeLessThan(2000);
          if (held.length > 0) release(held.pop()!);
          await Promise.resolve();
        }
        await Promise.all(waiting);
        pieces.close();
        expect(slab.used).toBe(0);
        expect(cache.figures()).toMatchObject({ bytes: 0, waiting: 0 });
      }),
      { numRuns: 500 },
    );
  });
});
