/** Memory that a payload lies in; handed back once the kernel has the bytes, or when they will never be sent. */
export interface Lease {
  release(): void;
}

const CONTROL_LENGTH = 1_024;
const MAX_SPARE = 1_024;

/** Small buffers for headers and messages, shared by the connections of a thread. */
export class ControlPool {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(CONTROL_LENGTH);
  }

  give(buffer: Buffer): void {
    if (this.#spare.length < MAX_SPARE) this.#spare.push(buffer);
  }
}

/** What goes out by one write: hand the buffers to the kernel in their order, then call `release` once. */
export class OutputBatch {
  readonly buffers: Uint8Array[] = [];
  /** Bytes in all. */
  bytes = 0;
  /** Bytes of blocks among them. */
  payload = 0;
  readonly #pool: ControlPool;
  readonly #controls: Buffer[] = [];
  readonly #leases: Lease[] = [];

  constructor(pool: ControlPool) {
    this.#pool = pool;
  }

  /** Gives the memory back to those who own it. */
  release(): void {
    for (const control of this.#controls) this.#pool.give(control);
    for (const lease of this.#leases) lease.release();
    this.#controls.length = 0;
    this.#leases.length = 0;
    this.buffers.length = 0;
  }

  add(buffer: Uint8Array): void {
    this.buffers.push(buffer);
  }

  keepControl(buffer: Buffer): void {
    this.#controls.push(buffer);
  }

  keepLease(lease: Lease): void {
    this.#leases.push(lease);
  }
}

/**
 * What a connection has to say and the kernel has not been given yet. Headers and small messages are written side
 * by side into small buffers; payloads are passed on where they lie. With 16 KiB blocks, copying them together
 * into large buffers instead was measured: no faster, and the memory would be held twice.
 */
export class Outbox {
  readonly #pool: ControlPool;
  #batch: OutputBatch | undefined;
  #control: Buffer | undefined;
  #from = 0;
  #at = 0;

  constructor(pool: ControlPool) {
    this.#pool = pool;
  }

  /** Bytes that `drain` would give. */
  get bytes(): number {
    return this.#batch?.bytes ?? 0;
  }

  get payload(): number {
    return this.#batch?.payload ?? 0;
  }

  /** Whether `length` more bytes follow the last control bytes in the same buffer. */
  fits(length: number): boolean {
    return this.#control !== undefined && this.#at + length <= CONTROL_LENGTH;
  }

  /**
   * Room for `length` control bytes (at most 1,024) at the end; the caller writes them into `control` there.
   * @returns their offset in `control`
   */
  reserve(length: number): number {
    const batch = this.#open();
    if (!this.fits(length)) {
      this.#closeRun(batch);
      this.#control = this.#pool.take();
      batch.keepControl(this.#control);
      this.#from = 0;
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += length;
    batch.bytes += length;
    return at;
  }

  /** The buffer of the last `reserve`. */
  get control(): Buffer {
    return this.#control!;
  }

  /** Bytes that nobody will change any more. */
  pass(bytes: Uint8Array): void {
    const batch = this.#open();
    this.#closeRun(batch);
    batch.add(bytes);
    batch.bytes += bytes.length;
  }

  /** Bytes of a block, and whose they are. */
  passPayload(bytes: Uint8Array): void {
    this.pass(bytes);
    this.#batch!.payload += bytes.length;
  }

  lease(lease: Lease): void {
    this.#open().keepLease(lease);
  }

  /** All that is there, to be written in this order; undefined where there is nothing. */
  drain(): OutputBatch | undefined {
    const batch = this.#batch;
    if (batch === undefined) return undefined;
    this.#closeRun(batch);
    this.#batch = undefined;
    this.#control = undefined;
    return batch;
  }

  #open(): OutputBatch {
    this.#batch ??= new OutputBatch(this.#pool);
    return this.#batch;
  }

  #closeRun(batch: OutputBatch): void {
    if (this.#control === undefined || this.#at === this.#from) return;
    batch.add(this.#control.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }
}
