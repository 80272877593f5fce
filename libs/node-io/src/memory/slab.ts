import { Oversize, paged, Region } from './region.ts';

export interface SlabOptions {
  /** Bytes that may be out at once, receiving and sending together. */
  readonly limit: number;
  /**
   * Bytes of `limit` that receiving never takes. Two nodes that download from each other would otherwise both fill
   * their memory with unfinished pieces and have none left to answer with.
   * @default a quarter of `limit`, at most 4 MiB
   */
  readonly sendReserve?: number;
}

/** Memory in bytes, for metrics. */
export interface SlabFigures {
  readonly used: number;
  readonly free: number;
  /** Callbacks that wait for memory. */
  readonly waiting: number;
}

/**
 * The piece memory of a whole process, bounded in bytes and shared by receive, hash, write and send. It is shared
 * memory, so a hash worker reads it without a copy.
 *
 * What is out never exceeds `limit`, but for one slot that is too large for its share: to receive, when nothing else
 * is being received into; to send, when nothing else is being sent from. So a piece of any size can be moved.
 */
export class Slab {
  readonly #common: Region;
  readonly #reserve: Region;
  readonly #largeReceive = new Oversize();
  readonly #largeSend = new Oversize();
  readonly #waiters = new Set<Waiter>();
  readonly #reclaimers = new Set<() => boolean>();
  #serving = false;
  #wakeQueued = false;

  constructor(options: SlabOptions) {
    const { limit, sendReserve = Math.min(4 * 1024 * 1024, limit / 4) } = options;
    if (!(limit > 0 && sendReserve >= 0 && sendReserve < limit)) {
      throw new RangeError(`slab of ${limit} bytes, ${sendReserve} of them to send`);
    }
    this.#reserve = new Region(paged(sendReserve));
    this.#common = new Region(Math.max(0, paged(limit) - this.#reserve.size));
  }

  /** Bytes that may be out at once, in whole pages. */
  get limit(): number {
    return this.#common.size + this.#reserve.size;
  }

  /** Bytes that are out, in whole pages. */
  get used(): number {
    return this.#common.used + this.#reserve.used + this.#largeReceive.used + this.#largeSend.used;
  }

  figures(): SlabFigures {
    const free = this.limit - this.#common.used - this.#reserve.used;
    return { used: this.used, free, waiting: this.#waiters.size };
  }

  /**
   * Memory of exactly `bytes` to receive into, held once; its content is whatever was there before.
   * @returns undefined while there is none, or while somebody who asked earlier still waits: use `onAvailable`
   */
  acquire(bytes: number): Slot | undefined {
    checkSize(bytes);
    if (this.#waiters.size > 0 && !this.#serving) return undefined;
    return this.#receive(bytes);
  }

  /**
   * Memory to send from. It may use the reserve, and then does not wait behind those who receive.
   * @returns undefined while there is none
   */
  acquireForSending(bytes: number): Slot | undefined {
    checkSize(bytes);
    const reserved = this.#slot(this.#reserve, bytes);
    if (reserved !== undefined) return reserved;
    const common = this.#waiters.size === 0 ? this.#slot(this.#common, bytes) : undefined;
    if (common !== undefined || bytes <= this.#reserve.size || this.#reserve.used > 0) return common;
    return this.#slot(this.#largeSend, bytes);
  }

  /**
   * Calls back once when `bytes` can be acquired to receive into, never from within the call that freed them: that is
   * the moment to acquire them. Those who wait are served in order; the first in line holds up the others, so that a
   * large piece gets its turn.
   * @returns ends the wait; does nothing afterwards
   */
  onAvailable(bytes: number, callback: () => void): () => void {
    checkSize(bytes);
    const waiter: Waiter = { bytes, callback };
    this.#waiters.add(waiter);
    this.#queueWake();
    return () => {
      if (this.#waiters.delete(waiter)) this.#queueWake();
    };
  }

  /**
   * Adds a keeper of memory that it can do without (a cache). It is asked when somebody is refused memory, until
   * there is enough or it says false: it has released nothing.
   * @returns removes it
   */
  addReclaimer(reclaim: () => boolean): () => void {
    this.#reclaimers.add(reclaim);
    return () => this.#reclaimers.delete(reclaim);
  }

  #receive(bytes: number): Slot | undefined {
    let slot = this.#tryReceive(bytes);
    for (const reclaim of this.#reclaimers) {
      while (slot === undefined && reclaim()) slot = this.#tryReceive(bytes);
    }
    return slot;
  }

  #tryReceive(bytes: number): Slot | undefined {
    if (this.#largeReceive.used > 0) return undefined;
    if (bytes <= this.#common.size) return this.#slot(this.#common, bytes);
    return this.#common.used === 0 ? this.#slot(this.#largeReceive, bytes) : undefined;
  }

  #slot(source: Region | Oversize, bytes: number): Slot | undefined {
    const memory = source.take(bytes);
    return memory === undefined
      ? undefined
      : new Slot(source, memory, source === this.#reserve, this.#queueWake);
  }

  readonly #queueWake = (): void => {
    if (this.#wakeQueued || this.#waiters.size === 0) return;
    this.#wakeQueued = true;
    queueMicrotask(this.#wake);
  };

  readonly #wake = (): void => {
    this.#wakeQueued = false;
    this.#serving = true;
    try {
      for (const waiter of this.#waiters) {
        const probe = this.#receive(waiter.bytes);
        if (probe === undefined) return;
        this.#waiters.delete(waiter);
        probe.release();
        waiter.callback();
      }
    } finally {
      this.#serving = false;
    }
  };
}

interface Waiter {
  readonly bytes: number;
  readonly callback: () => void;
}

/** Memory that is out of the slab, counted by its holders. The one who acquired it holds it once. */
export class Slot {
  /** Shared memory of exactly the bytes asked for. Not to be touched after the last release. */
  readonly buffer: Buffer;
  /** It is from the reserve for sending: no download gains from its release. */
  readonly reserved: boolean;
  readonly #source: Region | Oversize;
  readonly #onFree: () => void;
  #holders = 1;

  constructor(source: Region | Oversize, buffer: Buffer, reserved: boolean, onFree: () => void) {
    this.#source = source;
    this.buffer = buffer;
    this.reserved = reserved;
    this.#onFree = onFree;
  }

  /** One more holder. */
  retain(): void {
    if (this.#holders === 0) throw new Error('slot retained after its last release');
    this.#holders++;
  }

  /** One holder less; after the last one the memory is given to somebody else. */
  release(): void {
    if (this.#holders === 0) throw new Error('slot released twice');
    if (--this.#holders > 0) return;
    this.#source.giveBack(this.buffer);
    this.#onFree();
  }
}

function checkSize(bytes: number): void {
  if (!Number.isSafeInteger(bytes) || bytes <= 0) throw new RangeError(`slot of ${bytes} bytes`);
}
