import type { Copies } from './copies.ts';

/** Percent of the nodes. */
const SHARES = [10, 50, 90, 99] as const;
/** Times are kept to 9 %: in a byte each, up to 38 days. */
const STEP = Math.log(1.09);
const LAST = 255;

/**
 * How long pieces take from the first node to a share of all of them: since when that share has had each piece, without
 * a break. Nine bytes a piece.
 */
export class Spread {
  /** Milliseconds since `#birth`, and 1: when a node had it first; 0 where none has. */
  readonly #first: Uint32Array;
  /** By share: how long it took, as a bucket; 0 where it has not come that far. */
  readonly #took: readonly Uint8Array[];
  /** By share: pieces by bucket. */
  readonly #buckets = SHARES.map(() => new Uint32Array(LAST + 1));
  readonly #need = SHARES.map(() => 1);
  readonly #birth: number;

  constructor(pieces: number, now: number) {
    this.#birth = now;
    this.#first = new Uint32Array(pieces);
    this.#took = SHARES.map(() => new Uint8Array(pieces));
  }

  /** The shares are of so many nodes from now on. To be followed by a review. */
  expect(nodes: number): void {
    SHARES.forEach((share, n) => {
      this.#need[n] = Math.max(1, Math.ceil((share * nodes) / 100));
    });
  }

  /** Looks at all pieces, share by share: this is done for each node that comes or goes. */
  review({ counts }: Copies, now: number): void {
    const first = this.#first;
    for (let piece = 0; piece < first.length; piece++)
      if ((counts[piece] === 0) !== (first[piece] === 0))
        first[piece] = counts[piece] === 0 ? 0 : this.#age(now);
    for (let share = 0; share < SHARES.length; share++) {
      const took = this.#took[share]!;
      const need = this.#need[share]!;
      for (let piece = 0; piece < took.length; piece++)
        if (counts[piece]! >= need !== took[piece]! > 0) this.#turn(share, piece, now);
    }
  }

  /** A piece has so many copies now. */
  look(piece: number, copies: number, now: number): void {
    if (copies === 0) this.#first[piece] = 0;
    else if (this.#first[piece] === 0) this.#first[piece] = this.#age(now);
    for (let share = 0; share < SHARES.length; share++)
      if (copies >= this.#need[share]! !== this.#took[share]![piece]! > 0) this.#turn(share, piece, now);
  }

  /** A share has a piece now and had it not, or the other way round. */
  #turn(share: number, piece: number, now: number): void {
    const took = this.#took[share]!;
    const buckets = this.#buckets[share]!;
    if (took[piece]! > 0) {
      buckets[took[piece]!]!--;
      took[piece] = 0;
      return;
    }
    const bucket = bucketOf(this.#age(now) - this.#first[piece]!);
    took[piece] = bucket;
    buckets[bucket]!++;
  }

  #age(now: number): number {
    return now - this.#birth + 1;
  }

  /**
   * Seconds until 10, 50, 90 and 99 % of the nodes had a piece, the median over all pieces; ends before the first share
   * that half of the pieces have not come to.
   */
  seconds(): number[] {
    const seconds: number[] = [];
    for (const buckets of this.#buckets) {
      let left = Math.ceil(this.#first.length / 2);
      let bucket = 1;
      while (bucket <= LAST && left > buckets[bucket]!) left -= buckets[bucket++]!;
      if (bucket > LAST) break;
      seconds.push(secondsOf(bucket));
    }
    return seconds;
  }
}

function bucketOf(ms: number): number {
  return ms < 1 ? 1 : Math.min(LAST, 2 + Math.floor(Math.log(ms) / STEP));
}

function secondsOf(bucket: number): number {
  return bucket === 1 ? 0 : Math.exp((bucket - 1.5) * STEP) / 1000;
}
