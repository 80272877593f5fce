import { Buffer } from 'node:buffer';

export interface SlabOptions {
  /** Bytes that may be out at once, receiving and sending together; free memory kept for reuse counts too. */
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
 * The piece memory of a whole process, bounded in bytes and shared by receive, hash, write and send. It is backed
 * by SharedArrayBuffer, so a hash worker reads it without a copy.
 *
 * What is out never exceeds `limit`, but for one slot that is too large for its share: to receive, when nothing else
 * is being received into; to send, when nothing else is being sent from. So a piece of any size can be moved.
 */
export class Slab {
  readonly limit: number;
  readonly sendReserve: number;
  readonly #free = new Map<number, Buffer[]>();
  readonly #waiters = new Set<Waiter>();
  readonly #reclaimers = new Set<(bytes: number) => void>();
  #receiving = 0;
  #sending = 0;
  #freeBytes = 0;
  #serving = false;
  #wakeQueued = false;

  constructor(options: SlabOptions) {
    if (!Number.isSafeInteger(options.limit) || options.limit <= 0) {
      throw new RangeError(`slab limit ${options.limit}`);
    }
    this.limit = options.limit;
    this.sendReserve = options.sendReserve ?? Math.min(4 * 1024 * 1024, options.limit >>> 2);
    if (this.sendReserve < 0 || this.sendReserve >= this.limit) {
      throw new RangeError(`send reserve ${this.sendReserve} of ${options.limit}`);
    }
  }

  /** Bytes that are out. */
  get used(): number {
    return this.#receiving + this.#sending;
  }

  /** Bytes kept for reuse. */
  get free(): number {
    return this.#freeBytes;
  }

  /** Callbacks that wait for memory. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /**
   * Memory of exactly `bytes` to receive into, held once; its content is whatever was there before.
   * @returns undefined while there is none, or while somebody who asked earlier still waits: use `onAvailable`
   */
  acquire(bytes: number): Slot | undefined {
    checkSize(bytes);
    if (this.#waiters.size > 0 && !this.#serving) return undefined;
    if (!this.#receivable(bytes)) {
      for (const reclaim of this.#reclaimers) reclaim(bytes);
      if (!this.#receivable(bytes)) return undefined;
    }
    return this.#take(bytes, false);
  }

  /**
   * Memory to send from. It may use the reserve, and then does not wait behind those who receive.
   * @returns undefined while there is none
   */
  acquireForSending(bytes: number): Slot | undefined {
    checkSize(bytes);
    const reserved = this.#sending === 0 || this.#sending + bytes <= this.sendReserve;
    const spare = this.#waiters.size === 0 && this.used + bytes <= this.limit;
    return reserved || spare ? this.#take(bytes, true) : undefined;
  }

  /**
   * Calls back once when `bytes` can be acquired to receive into, never from within the call that freed them. Those
   * who wait are served in order; the first in line holds up the others, so that a large piece gets its turn.
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
   * Adds a keeper of memory that it can do without (a cache). It is called when somebody is refused memory, and
   * releases what it can until `bytes` are free.
   * @returns removes it
   */
  addReclaimer(reclaim: (bytes: number) => void): () => void {
    this.#reclaimers.add(reclaim);
    return () => this.#reclaimers.delete(reclaim);
  }

  figures(): SlabFigures {
    return { used: this.used, free: this.free, waiting: this.waiting };
  }

  /** For slots: their last holder let go. */
  take(memory: Buffer, sending: boolean): void {
    const bytes = memory.length;
    if (sending) this.#sending -= bytes;
    else this.#receiving -= bytes;
    if (this.used + this.#freeBytes + bytes <= this.limit) {
      const list = this.#free.get(bytes);
      if (list === undefined) this.#free.set(bytes, [memory]);
      else list.push(memory);
      this.#freeBytes += bytes;
    }
    this.#queueWake();
  }

  /** For slots: what was received is now kept to send from. */
  relabel(bytes: number): void {
    this.#receiving -= bytes;
    this.#sending += bytes;
    this.#queueWake();
  }

  #receivable(bytes: number): boolean {
    const share = this.limit - this.sendReserve;
    if (bytes > share) return this.#receiving === 0 && this.#sending <= this.sendReserve;
    return this.#receiving + bytes + Math.max(this.#sending, this.sendReserve) <= this.limit;
  }

  #take(bytes: number, sending: boolean): Slot {
    const memory = this.#reuse(bytes) ?? Buffer.from(new SharedArrayBuffer(bytes));
    if (sending) this.#sending += bytes;
    else this.#receiving += bytes;
    return new Slot(this, memory, sending);
  }

  #reuse(bytes: number): Buffer | undefined {
    const memory = this.#free.get(bytes)?.pop();
    if (memory !== undefined) {
      this.#freeBytes -= bytes;
      return memory;
    }
    for (const [size, list] of this.#free) {
      while (list.length > 0 && this.used + this.#freeBytes + bytes > this.limit) {
        list.pop();
        this.#freeBytes -= size;
      }
      if (list.length === 0) this.#free.delete(size);
    }
    return undefined;
  }

  #queueWake(): void {
    if (this.#wakeQueued || this.#waiters.size === 0) return;
    this.#wakeQueued = true;
    queueMicrotask(this.#wake);
  }

  readonly #wake = (): void => {
    this.#wakeQueued = false;
    this.#serving = true;
    try {
      for (const waiter of this.#waiters) {
        if (!this.#receivable(waiter.bytes)) {
          for (const reclaim of this.#reclaimers) reclaim(waiter.bytes);
          if (!this.#receivable(waiter.bytes)) return;
        }
        this.#waiters.delete(waiter);
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
  readonly #slab: Slab;
  #holders = 1;
  #sending: boolean;

  constructor(slab: Slab, buffer: Buffer, sending: boolean) {
    this.#slab = slab;
    this.buffer = buffer;
    this.#sending = sending;
  }

  /** One more holder. */
  retain(): void {
    if (this.#holders === 0) throw new Error('slot retained after its last release');
    this.#holders++;
  }

  /** One holder less; after the last one the memory is given to somebody else. */
  release(): void {
    if (this.#holders === 0) throw new Error('slot released twice');
    if (--this.#holders === 0) this.#slab.take(this.buffer, this.#sending);
  }

  /** From now on it counts as memory that is sent from. */
  keepForSending(): void {
    if (this.#holders === 0) throw new Error('slot kept after its last release');
    if (this.#sending) return;
    this.#sending = true;
    this.#slab.relabel(this.buffer.length);
  }
}

function checkSize(bytes: number): void {
  if (!Number.isSafeInteger(bytes) || bytes <= 0) throw new RangeError(`slot of ${bytes} bytes`);
}
