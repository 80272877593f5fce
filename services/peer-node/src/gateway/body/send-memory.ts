/** Two buffers of the same size: one is filled while the other is sent. */
export type SendBuffers = readonly [Buffer, Buffer];

/** Bytes of each buffer while there is enough, and when many read at once. */
const LARGE = 256 * 1024;
const SMALL = 32 * 1024;

/**
 * The memory that files are sent from. Who reads slowly holds what he was given, and no more; when all the large
 * buffers are with somebody, whoever comes reads in small ones.
 */
export class SendMemory {
  readonly #free: SendBuffers[] = [];
  readonly #most: number;
  #large = 0;

  /** @param limit bytes of large buffers */
  constructor(limit: number) {
    this.#most = Math.floor(limit / (2 * LARGE));
  }

  take(): SendBuffers {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#large >= this.#most) return buffersOf(SMALL);
    this.#large++;
    return buffersOf(LARGE);
  }

  /** Nothing may be read into them or sent from them any more. */
  release(buffers: SendBuffers): void {
    if (buffers[0].length === LARGE) this.#free.push(buffers);
  }
}

function buffersOf(size: number): SendBuffers {
  return [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
}
