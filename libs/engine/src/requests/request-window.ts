import { BLOCK_LENGTH } from '@pixtorrent/peer-protocol';

export interface RequestWindowOptions {
  /** Bytes asked for before anything is known of the peer. */
  readonly initial: number;
  /** Bytes, never exceeded. */
  readonly maximum: number;
  /** Time that requests may wait at the peer beyond the shortest answer seen, milliseconds. */
  readonly queueTarget: number;
}

/** How long a rate sample is, milliseconds: short enough to follow a start, long enough for a few blocks. */
const SAMPLE = 100;
/** How long the shortest answer counts before it is measured anew, milliseconds. */
const LATENCY_AGE = 10_000;
/** Time that requests wait at the peer while others are to be answered soon, milliseconds. */
const SHALLOW = 20;
/** Growth beyond the measured product: more is asked for until the answers take longer instead of coming faster. */
const GAIN = 1.25;

/**
 * How many bytes to keep outstanding at one peer: its bandwidth-delay product, from the rate at which it delivers
 * and the shortest time that it took to answer. Where the pipe is not full the rate grows with the window, and the
 * window with the rate; where it is full only the answers take longer, and the window stays.
 */
export class RequestWindow {
  readonly #options: RequestWindowOptions;
  #size: number;
  #rate = 0;
  #latency = Number.POSITIVE_INFINITY;
  #latencyAt = 0;
  #sampleStart = -1;
  #sampleBytes = 0;
  #requestedAt = 0;
  #deliveredAt = 0;
  /** Answers to what is asked from here on waited behind nothing of ours; -1 while the latency is fresh. */
  #drainedSince = -1;

  constructor(options: RequestWindowOptions) {
    this.#options = options;
    this.#size = options.initial;
  }

  /** Bytes that may be outstanding. */
  get size(): number {
    return this.#size;
  }

  /** Bytes that keep the peer busy and hardly wait for each other: what comes next is answered soon. */
  get shallow(): number {
    if (this.#rate === 0) return this.#size;
    return Math.min(this.#size, Math.max(2 * BLOCK_LENGTH, this.#rate * (this.#latency + SHALLOW)));
  }

  /** Delivery, bytes a millisecond; 0 before the first sample. */
  get rate(): number {
    return this.#rate;
  }

  /** The shortest answer of late, milliseconds; infinite before the first. */
  get latency(): number {
    return this.#latency;
  }

  /** A request is sent to a peer that had none outstanding: idle time is no part of the rate. */
  resume(now: number): void {
    if (this.#sampleBytes === 0) this.#sampleStart = now;
    else this.#sampleStart += now - this.#deliveredAt;
    if (now - this.#latencyAt > LATENCY_AGE) this.#drainedSince = now;
  }

  /** The answer to a request that was sent at `requestedAt` begins to arrive. */
  begin(requestedAt: number): void {
    this.#requestedAt = requestedAt;
  }

  /** `length` bytes of the answer that began last have arrived. */
  delivered(length: number, now: number): void {
    this.#deliveredAt = now;
    this.#measureLatency(now);
    this.#sampleBytes += length;
    // Nothing is known yet: twice as much with every answer, until the first sample tells.
    if (this.#rate === 0) this.#size = Math.min(this.#options.maximum, this.#size + length);
    const elapsed = now - this.#sampleStart;
    if (elapsed < Math.min(SAMPLE, Math.max(2 * this.#latency, 1))) return;
    const sample = this.#sampleBytes / elapsed;
    this.#rate = this.#rate === 0 ? sample : (this.#rate + sample) / 2;
    this.#sampleStart = now;
    this.#sampleBytes = 0;
    this.#resize();
  }

  /** The peer went silent: one block is enough to see whether it is alive. */
  collapse(): void {
    this.#rate = 0;
    this.#sampleBytes = 0;
    this.#size = BLOCK_LENGTH;
  }

  /**
   * Where the pipe is full every answer waits behind what was asked before it: taken for the latency, it would let
   * the window grow for ever. So an aged latency is measured anew only after the queue was let run empty.
   */
  #measureLatency(now: number): void {
    const latency = now - this.#requestedAt;
    const drained = this.#drainedSince >= 0 && this.#requestedAt >= this.#drainedSince;
    if (latency <= this.#latency || drained) {
      this.#latency = latency;
      this.#latencyAt = now;
      this.#drainedSince = -1;
    } else if (this.#drainedSince < 0 && now - this.#latencyAt > LATENCY_AGE) {
      this.#drainedSince = now;
      this.#resize();
    }
  }

  #resize(): void {
    const { queueTarget, maximum } = this.#options;
    const time = this.#drainedSince < 0 ? (this.#latency + queueTarget) * GAIN : this.#latency;
    this.#size = Math.min(maximum, Math.max(2 * BLOCK_LENGTH, this.#rate * time));
  }
}
