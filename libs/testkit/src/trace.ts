import { createHash } from 'node:crypto';

const NUMBERS = 4096;

/** A SHA-1 over a run's events, each five numbers, so that two runs can be compared to the last one. */
export class Trace {
  readonly #hash = createHash('sha1');
  readonly #buffer = new Float64Array(NUMBERS);
  readonly #bytes = new Uint8Array(this.#buffer.buffer);
  #used = 0;
  #events = 0;

  get events(): number {
    return this.#events;
  }

  record(time: number, kind: number, a: number, b: number, c: number): void {
    if (this.#used + 5 > NUMBERS) this.#flush();
    const buffer = this.#buffer;
    let used = this.#used;
    buffer[used++] = time;
    buffer[used++] = kind;
    buffer[used++] = a;
    buffer[used++] = b;
    buffer[used++] = c;
    this.#used = used;
    this.#events++;
  }

  /** The hash so far, lower-case hexadecimal. */
  digest(): string {
    this.#flush();
    return this.#hash.copy().digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#bytes.subarray(0, this.#used * 8));
    this.#used = 0;
  }
}
