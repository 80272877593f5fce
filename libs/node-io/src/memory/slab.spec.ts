import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slab, type Slot } from './slab.ts';

const MiB = 1024 * 1024;

/** Lets what was queued in microtasks run. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('Slab', () => {
  it('gives out shared memory of exactly the bytes asked for, and the same memory again', () => {
    const slab = new Slab({ limit: 8 * MiB });
    const slot = slab.acquire(100_000)!;
    expect(slot.buffer.length).toBe(100_000);
    expect(slot.buffer.buffer).toBeInstanceOf(SharedArrayBuffer);
    slot.release();
    expect(slab.figures()).toEqual({ used: 0, free: 100_000, waiting: 0 });
    expect(slab.acquire(100_000)!.buffer.buffer).toBe(slot.buffer.buffer);
    expect(slab.figures()).toEqual({ used: 100_000, free: 0, waiting: 0 });
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
    expect(() => slot.keepForSending()).toThrow('after its last release');
  });

  it('leaves the reserve for sending, so that two full nodes can still feed each other', () => {
    const slab = new Slab({ limit: 4 * MiB, sendReserve: MiB });
    for (let taken = 0; taken < 3; taken++) expect(slab.acquire(MiB)).toBeDefined();
    expect(slab.acquire(MiB)).toBeUndefined();
    expect(slab.acquireForSending(MiB)).toBeDefined();
    expect(slab.acquireForSending(1)).toBeUndefined();
    expect(slab.used).toBe(4 * MiB);
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
    expect(slab.free).toBe(0);
  });

  it('drops memory of one size when another size needs the room', () => {
    const slab = new Slab({ limit: 4 * MiB, sendReserve: 0 });
    const slots = Array.from({ length: 4 }, () => slab.acquire(MiB)!);
    for (const slot of slots) slot.release();
    expect(slab.free).toBe(4 * MiB);
    slab.acquire(2 * MiB + 1);
    expect(slab.free).toBe(MiB);
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
    expect(slab.waiting).toBe(2);
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
    expect(slab.waiting).toBe(0);
  });

  it('asks those who keep memory to give it back before it refuses', () => {
    const slab = new Slab({ limit: 4 * MiB, sendReserve: 0 });
    const kept = Array.from({ length: 4 }, () => slab.acquireForSending(MiB)!);
    const remove = slab.addReclaimer(() => kept.pop()?.release());
    expect(slab.acquire(MiB)).toBeDefined();
    expect(kept).toHaveLength(3);
    remove();
    expect(slab.acquire(MiB)).toBeUndefined();
  });

  it('never exceeds its limit, whatever is asked and released in whatever order', async () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('acquire' as const), bytes: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ type: fc.constant('send' as const), bytes: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ type: fc.constant('wait' as const), bytes: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ type: fc.constant('release' as const), which: fc.nat() }),
      fc.record({ type: fc.constant('retain' as const), which: fc.nat() }),
      fc.record({ type: fc.constant('keep' as const), which: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 8, max: 40 }),
        fc.nat({ max: 7 }),
        fc.array(step, { maxLength: 60 }),
        async (limit, sendReserve, steps) => {
          const slab = new Slab({ limit, sendReserve });
          const held: { slot: Slot; sending: boolean }[] = [];
          let waiting = 0;
          const sum = (sending?: boolean) => {
            const slots = new Map(held.map((item) => [item.slot, item.sending]));
            let bytes = 0;
            for (const [slot, isSending] of slots) {
              if (sending === undefined || sending === isSending) bytes += slot.buffer.length;
            }
            return bytes;
          };
          const check = () => {
            expect(slab.used).toBe(sum());
            const over = slab.used > limit;
            const oversized = held.some(({ slot, sending }) =>
              sending ? slot.buffer.length > sendReserve : slot.buffer.length > limit - sendReserve,
            );
            expect(over && !oversized).toBe(false);
            if (slab.free > 0) expect(slab.used + slab.free).toBeLessThanOrEqual(limit);
          };
          for (const action of steps) {
            if (action.type === 'acquire' || action.type === 'send') {
              const sending = action.type === 'send';
              const slot = sending ? slab.acquireForSending(action.bytes) : slab.acquire(action.bytes);
              if (slot) held.push({ slot, sending });
            } else if (action.type === 'wait') {
              waiting++;
              slab.onAvailable(action.bytes, () => {
                waiting--;
                held.push({ slot: slab.acquire(action.bytes)!, sending: false });
                expect(held.at(-1)!.slot).toBeDefined();
              });
            } else if (held.length > 0) {
              const index = action.which % held.length;
              const item = held[index]!;
              if (action.type === 'release') {
                held.splice(index, 1);
                item.slot.release();
              } else if (action.type === 'retain') {
                item.slot.retain();
                held.push(item);
              } else {
                item.slot.keepForSending();
                for (const other of held) if (other.slot === item.slot) other.sending = true;
              }
            }
            check();
          }
          for (let rounds = 0; held.length > 0 || waiting > 0; rounds++) {
            expect(rounds).toBeLessThan(1000);
            held.shift()?.slot.release();
            await Promise.resolve();
            check();
          }
          expect(slab.figures().used).toBe(0);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
