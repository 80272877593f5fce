import type { Slab, Slot } from '../memory/slab.ts';
import { type CachedSegment, IdleList } from './cached-segment.ts';

/**
 * The memory that a cache holds, bounded, and who waits for some of it. What nobody uses is given up, the longest
 * unused first, when the cache needs memory for something else or a download is refused some.
 */
export class CacheMemory {
  readonly #slab: Slab;
  readonly #limit: number;
  readonly #idle = new IdleList();
  readonly #waiters: Waiter[] = [];
  readonly #removeReclaimer: () => void;
  #bytes = 0;

  constructor(slab: Slab, limit: number) {
    this.#slab = slab;
    this.#limit = limit;
    this.#removeReclaimer = slab.addReclaimer(() => this.#giveToDownloads());
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** Memory at once, or when something that is in use has been let go. */
  acquire(bytes: number): Slot | Promise<Slot> {
    const slot = this.#waiters.length === 0 ? this.#tryAcquire(bytes) : undefined;
    return slot ?? new Promise((resolve) => this.#waiters.push({ bytes, resolve }));
  }

  /** Becomes one more holder of memory that came from elsewhere. @returns false where there is no room for it */
  adopt(slot: Slot): boolean {
    const bytes = slot.buffer.length;
    if (this.#waiters.length > 0) return false;
    this.#shrinkTo(this.#limit - bytes);
    if (this.#bytes + bytes > this.#limit) return false;
    slot.retain();
    this.#bytes += bytes;
    return true;
  }

  /** Memory that is not needed any more. */
  release(slot: Slot): void {
    this.#free(slot);
    this.#serve();
  }

  /** Nobody uses the segment; it stays as long as its memory is not needed. */
  park(segment: CachedSegment): void {
    this.#idle.add(segment);
    this.#serve();
  }

  /** Somebody uses a parked segment. */
  unpark(segment: CachedSegment): void {
    this.#idle.remove(segment);
  }

  /** Ends the giving back to the slab. */
  close(): void {
    this.#removeReclaimer();
    this.#shrinkTo(0);
  }

  #serve(): void {
    for (let first = this.#waiters[0]; first !== undefined; first = this.#waiters[0]) {
      const slot = this.#tryAcquire(first.bytes);
      if (slot === undefined) return;
      this.#waiters.shift();
      first.resolve(slot);
    }
  }

  #tryAcquire(bytes: number): Slot | undefined {
    this.#shrinkTo(this.#limit - bytes);
    if (this.#bytes > 0 && this.#bytes + bytes > this.#limit) return undefined;
    let slot = this.#slab.acquireForSending(bytes);
    while (slot === undefined && this.#giveUpOldest()) slot = this.#slab.acquireForSending(bytes);
    if (slot !== undefined) this.#bytes += bytes;
    return slot;
  }

  #shrinkTo(bytes: number): void {
    while (this.#bytes > bytes && this.#giveUpOldest());
  }

  #giveToDownloads(): boolean {
    let segment = this.#idle.oldest;
    while (segment?.slot?.reserved) segment = segment.newer;
    return this.#giveUp(segment);
  }

  /** @returns false where everything is in use */
  #giveUpOldest(): boolean {
    return this.#giveUp(this.#idle.oldest);
  }

  #giveUp(segment: CachedSegment | undefined): boolean {
    if (segment?.slot === undefined) return false;
    this.#idle.remove(segment);
    segment.owner.forget(segment);
    this.#free(segment.slot);
    return true;
  }

  #free(slot: Slot): void {
    this.#bytes -= slot.buffer.length;
    slot.release();
  }
}

interface Waiter {
  readonly bytes: number;
  readonly resolve: (slot: Slot) => void;
}
