import type { Clock } from '@pixtorrent/core';
import { IPV4_LENGTH } from '@pixtorrent/tracker-protocol';

export interface RateLimitDependencies {
  readonly clock: Clock;
  /** Unknown to those who ask, so that nobody can choose where in the table he is. */
  readonly seed: number;
}

export interface RateLimitOptions {
  /** Questions a second that one asker may go on with. */
  readonly rate: number;
  /** Questions that he may ask at once after a rest. */
  readonly burst: number;
  /**
   * Askers that are remembered, of each family; a power of two. Of more those are forgotten who asked least.
   * @default 65,536
   */
  readonly askers?: number;
}

/** Places that one asker may have: he is looked for in all of them. */
const WAYS = 8;

/**
 * A token bucket for each asker, an IPv4 address or an IPv6 /64, in memory that does not grow. A bucket is one number:
 * the time at which it will be full again. So whoever rested long enough need not be remembered.
 */
export class RateLimit {
  readonly #clock: Clock;
  /** Milliseconds that a question costs, and that may be owed. */
  readonly #cost: number;
  readonly #credit: number;
  readonly #v4: Buckets;
  readonly #v6: Buckets;

  constructor({ clock, seed }: RateLimitDependencies, { rate, burst, askers = 65_536 }: RateLimitOptions) {
    this.#clock = clock;
    this.#cost = 1000 / rate;
    this.#credit = this.#cost * burst;
    this.#v4 = new Buckets(askers, seed);
    this.#v6 = new Buckets(askers, seed);
  }

  /**
   * Takes one question from the asker's bucket.
   * @param address 4 or 16 bytes
   * @returns 0, or milliseconds until there is one: nothing was taken then
   */
  take(address: Uint8Array): number {
    const now = this.#clock.now();
    const buckets = address.length === IPV4_LENGTH ? this.#v4 : this.#v6;
    const place = buckets.find(word(address, 0), address.length === IPV4_LENGTH ? 0 : word(address, 4));
    const fullAt = Math.max(buckets.fullAt[place]!, now) + this.#cost;
    const late = fullAt - now - this.#credit;
    // What is lost where fractions of milliseconds are added up is no reason to refuse.
    if (late > 1e-6) return late;
    buckets.fullAt[place] = fullAt;
    return 0;
  }
}

/** Askers by two words, in places that a hash gives; of those in the way the one whose bucket is fullest makes room. */
class Buckets {
  /** When each is full, in milliseconds. */
  readonly fullAt: Float64Array;
  readonly #keys: Int32Array;
  readonly #mask: number;
  readonly #seed: number;

  constructor(size: number, seed: number) {
    this.fullAt = new Float64Array(size);
    this.#keys = new Int32Array(size * 2);
    this.#mask = size - 1;
    this.#seed = seed | 0;
  }

  find(high: number, low: number): number {
    const first = hash(high, low, this.#seed) & this.#mask & ~(WAYS - 1);
    let idlest = first;
    for (let place = first; place < first + WAYS; place++) {
      if (this.#keys[2 * place] === high && this.#keys[2 * place + 1] === low) return place;
      if (this.fullAt[place]! < this.fullAt[idlest]!) idlest = place;
    }
    this.#keys[2 * idlest] = high;
    this.#keys[2 * idlest + 1] = low;
    this.fullAt[idlest] = 0;
    return idlest;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Two rounds of MurmurHash3 and its end. */
function hash(high: number, low: number, seed: number): number {
  let value = seed;
  for (let i = 0; i < 2; i++) {
    let part = Math.imul(i === 0 ? high : low, 0xcc9e2d51);
    part = Math.imul((part << 15) | (part >>> 17), 0x1b873593);
    value ^= part;
    value = (Math.imul((value << 13) | (value >>> 19), 5) + 0xe6546b64) | 0;
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}
