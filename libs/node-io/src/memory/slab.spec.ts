import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slab, type Slot } from './slab.ts';

const MiB = 1024 * 1024;

/** Lets what was queued in microtasks run. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('Slab', () => {
  it('gives out shared memory of exactly the bytes asked for, in whole pages, and the same memory again', () => {
    const slab = new Slab({ limit: 8 * MiB });
    const slot = slab.acquire(100_000)!;
    expect(slot.buffer.length).toBe(100_000);
    expect(slot.buffer.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(slab.figures()).toEqual({ used: 102_400, free: 8 * MiB - 102_400, waiting: 0 });
    slot.buffer.fill(7);
    slot.release();
    expect(slab.figures()).toEqual({ used: 0, free: 8 * MiB, waiting: 0 });
    expect(slab.acquire(100_000)!.buffer.every((byte) => byte === 7)).toBe(true);
  });

  it('keeps memory until its last holder let go', () => {
    const slab = new Slab({ limit: 4 * MiB });
    const slot = slab.acquire(MiB)!;
    slot.retain();
    slot.release();
    expect(slab.used).toBe(MiB);
    slot.release();
    expect(slab.used).toBe(0);
  });

  it('throws at a second release and at a use after it, also when the memory has a new owner', () => {
    const slab = new Slab({ limit: 4 * MiB });
    const slot = slab.acquire(MiB)!;
    slot.release();
    slab.acquire(MiB);
    expect(() => slot.release()).toThrow('released twice');
    expect(() => slot.retain()).toThrow('after its last release');
  });

  it('leaves the reserve for sending, so that two full nodes can still feed each other', () => {
    const slab = new Slab({ limit: 4 * MiB, sendReserve: MiB });
    for (let taken = 0; taken < 3; taken++) expect(slab.acquire(MiB)).toBeDefined();
    expect(slab.acquire(MiB)).toBeUndefined();
    expect(slab.acquireForSending(MiB)).toBeDefined();
    expect(slab.acquireForSending(1)).toBeUndefined();
    expect(slab.used).toBe(slab.limit);
  });

  it('gives out a piece that is larger than everything, when no other is being received', async () => {
    const slab = new Slab({ limit: 4 * MiB });
    const small = slab.acquire(MiB)!;
    expect(slab.acquire(64 * MiB)).toBeUndefined();
    small.release();
    const large = slab.acquire(64 * MiB)!;
    expect(large.buffer.length).toBe(64 * MiB);
    expect(slab.acquire(1)).toBeUndefined();
    expect(slab.acquireForSending(MiB)).toBeDefined();
    large.release();
    expect(slab.acquire(64 * MiB)!.buffer.buffer).toBe(large.buffer.buffer);
  });

  it('has no memory lost to one size when another is needed', () => {
    const slab = new Slab({ limit: 8 * MiB, sendReserve: 0 });
    const slots = Array.from({ length: 8 }, () => slab.acquire(MiB)!);
    for (const index of [1, 3, 2]) slots[index]!.release();
    const three = slab.acquire(3 * MiB);
    expect(three).toBeDefined();
    for (const index of [0, 4, 5, 6, 7]) slots[index]!.release();
    three!.release();
    expect(slab.acquire(8 * MiB)).toBeDefined();
  });

  it('gives memory for one segment to send, however small it is', () => {
    const slab = new Slab({ limit: MiB });
    const only = slab.acquireForSending(4 * MiB)!;
    expect(slab.acquireForSending(4 * MiB)).toBeUndefined();
    only.release();
    expect(slab.acquireForSending(4 * MiB)).toBeDefined();
  });

  it('calls back who waits, in order, and lets nobody in between', async () => {
    const slab = new Slab({ limit: 4 * MiB, sendReserve: 0 });
    const slots = Array.from({ length: 4 }, () => slab.acquire(MiB)!);
    const order: string[] = [];
    let large: Slot | undefined;
    slab.onAvailable(3 * MiB, () => {
      large = slab.acquire(3 * MiB);
      order.push('large');
    });
    slab.onAvailable(MiB, () => order.push('small'));
    expect(slab.figures().waiting).toBe(2);
    slots[0]!.release();
    await settled();
    expect(order).toEqual([]);
    expect(slab.acquire(1)).toBeUndefined();
    slots[1]!.release();
    slots[2]!.release();
    expect(order).toEqual([]);
    await settled();
    expect(order).toEqual(['large']);
    expect(large).toBeDefined();
    large!.release();
    await settled();
    expect(order).toEqual(['large', 'small']);
  });

  it('serves the next when the first no longer waits', async () => {
    const slab = new Slab({ limit: 2 * MiB, sendReserve: 0 });
    slab.acquire(MiB);
    let called = 0;
    const cancel = slab.onAvailable(2 * MiB, () => called++);
    slab.onAvailable(MiB, () => (called += 10));
    await settled();
    expect(called).toBe(0);
    cancel();
    cancel();
    await settled();
    expect(called).toBe(10);
    expect(slab.figures().waiting).toBe(0);
  });

  it('asks those who keep memory to give it back before it refuses', () => {
    const slab = new Slab({ limit: 4 * MiB, sendReserve: 0 });
    const kept = Array.from({ length: 4 }, () => slab.acquireForSending(MiB)!);
    const remove = slab.addReclaimer(() => {
      kept.shift()?.release();
      return kept.length > 0;
    });
    expect(slab.acquire(MiB)).toBeDefined();
    expect(kept).toHaveLength(3);
    remove();
    expect(slab.acquire(MiB)).toBeUndefined();
  });

  it('never exceeds its limit nor gives out a byte twice, whatever is asked and released in whatever order', async () => {
    const PAGE = 4096;
    const pages = fc.integer({ min: 1, max: 30 });
    const step = fc.oneof(
      fc.record({ type: fc.constant('acquire' as const), pages }),
      fc.record({ type: fc.constant('send' as const), pages }),
      fc.record({ type: fc.constant('wait' as const), pages }),
      fc.record({ type: fc.constant('release' as const), which: fc.nat() }),
      fc.record({ type: fc.constant('retain' as const), which: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 8, max: 40 }),
        fc.nat({ max: 7 }),
        fc.array(step, { maxLength: 60 }),
        async (limitPages, reservePages, steps) => {
          const limit = limitPages * PAGE;
          const sendReserve = reservePages * PAGE;
          const slab = new Slab({ limit, sendReserve });
          const held: { slot: Slot; large: boolean; mark: number }[] = [];
          let waiting = 0;
          let marks = 0;
          const hold = (slot: Slot | undefined, sending: boolean) => {
            if (slot === undefined) return;
            const mark = marks++ % 256;
            slot.buffer[0] = mark;
            slot.buffer[slot.buffer.length - 1] = mark;
            const large = slot.buffer.length > (sending ? sendReserve : limit - sendReserve);
            held.push({ slot, large, mark });
          };
          const check = () => {
            const slots = new Set(held.map(({ slot }) => slot));
            let bytes = 0;
            for (const slot of slots) bytes += Math.ceil(slot.buffer.length / PAGE) * PAGE;
            expect(slab.used).toBe(bytes);
            if (slab.used > limit) expect(held.some(({ large }) => large)).toBe(true);
          };
          const release = ({ slot, mark }: (typeof held)[number]) => {
            expect([slot.buffer[0], slot.buffer.at(-1)]).toEqual([mark, mark]);
            slot.release();
          };
          for (const action of steps) {
            if (action.type === 'acquire') hold(slab.acquire(action.pages * PAGE - 1), false);
            else if (action.type === 'send') hold(slab.acquireForSending(action.pages * PAGE - 1), true);
            else if (action.type === 'wait') {
              waiting++;
              slab.onAvailable(action.pages * PAGE, () => {
                waiting--;
                const slot = slab.acquire(action.pages * PAGE);
                expect(slot).toBeDefined();
                hold(slot, false);
              });
            } else if (held.length > 0) {
              const index = action.which % held.length;
              const item = held[index]!;
              if (action.type === 'release') release(held.splice(index, 1)[0]!);
              else {
                item.slot.retain();
                held.push(item);
              }
            }
            check();
          }
          for (let rounds = 0; held.length > 0 || waiting > 0; rounds++) {
            expect(rounds).toBeLessThan(1000);
            if (held.length > 0) release(held.shift()!);
            await Promise.resolve();
            check();
          }
          expect(slab.figures()).toEqual({ used: 0, free: limit, waiting: 0 });
        },
      ),
      { numRuns: 1500 },
    );
  });
});
