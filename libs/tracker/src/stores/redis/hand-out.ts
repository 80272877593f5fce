import { ID_LENGTH, type Random } from '@pixtorrent/core';
import { IPV4_LENGTH, type PackedPeers } from '@pixtorrent/tracker-protocol';
import type { PeerAnnounce } from '../peer-store.ts';
import { nearOf } from './packed-announce.ts';
import { FIGURES_LENGTH } from './swarm-answer.ts';

const COUNTS_LENGTH = 6;
/** Bytes of a record before its endpoint: peer ID, traits. */
const TRAITS = ID_LENGTH;
const ENDPOINT = ID_LENGTH + 1;
const NOTHING = new Uint8Array(0);

/**
 * What an asker is given of the records that Redis drew. It is not given itself nor another of its peer ID, those with
 * which it is stalled last, and nobody twice.
 */
export function handOut(answer: Buffer, announce: PeerAnnounce, random: Random): PackedPeers {
  const { address, numWant, details } = announce;
  const near = answer.readUInt16LE(FIGURES_LENGTH);
  const own = answer.readUInt16LE(FIGURES_LENGTH + 2);
  const other = answer.readUInt16LE(FIGURES_LENGTH + 4);
  const width = address.length + 2;
  const [first, second] = [
    new Picking(answer, announce, width, Math.min(numWant, near + own)),
    new Picking(answer, announce, 24 - width, Math.min(numWant, other)),
  ];
  let at = FIGURES_LENGTH + COUNTS_LENGTH;
  if (near > 0) first.refuseTwice();
  first.take(at, near, Math.min(nearOf(numWant), numWant), 0);
  at += near * (ENDPOINT + width);
  // Where there are more than wanted, whom it does not reach is chance too.
  first.take(at, own, numWant, own > numWant ? random.below(own) : 0);
  at += own * (ENDPOINT + width);
  const room = numWant - first.count;
  second.take(at, other, room, other > room ? random.below(other) : 0);
  first.takeStalled(numWant - second.count);
  second.takeStalled(numWant - first.count);
  const [v4, v6] = address.length === IPV4_LENGTH ? [first, second] : [second, first];
  return {
    v4: v4.endpoints,
    v6: v6.endpoints,
    ids: details ? Buffer.concat([v4.ids, v6.ids]) : NOTHING,
    traits: details ? Buffer.concat([v4.traits, v6.traits]) : NOTHING,
  };
}

/** Peers of one family, as they are picked from records. */
class Picking {
  count = 0;
  readonly #answer: Buffer;
  readonly #announce: PeerAnnounce;
  readonly #width: number;
  readonly #endpoints: Uint8Array;
  readonly #ids: Uint8Array;
  readonly #traits: Uint8Array;
  readonly #self: Uint8Array | undefined;
  #seen: Set<string> | undefined;
  #stalled: number[] | undefined;

  /** @param width bytes of an endpoint @param most peers that are taken ever */
  constructor(answer: Buffer, announce: PeerAnnounce, width: number, most: number) {
    this.#answer = answer;
    this.#announce = announce;
    this.#width = width;
    this.#endpoints = most > 0 ? new Uint8Array(most * width) : NOTHING;
    this.#ids = announce.details && most > 0 ? new Uint8Array(most * ID_LENGTH) : NOTHING;
    this.#traits = announce.details && most > 0 ? new Uint8Array(most) : NOTHING;
    this.#self = announce.address.length + 2 === width ? announce.address : undefined;
  }

  get endpoints(): Uint8Array {
    return this.#endpoints.subarray(0, this.count * this.#width);
  }

  get ids(): Uint8Array {
    return this.#ids.subarray(0, this.count * ID_LENGTH);
  }

  get traits(): Uint8Array {
    return this.#traits.subarray(0, this.count);
  }

  refuseTwice(): void {
    this.#seen = new Set();
  }

  /** Takes of `records` from `start` on, in a circle from the `first`, until it has `want`. */
  take(start: number, records: number, want: number, first: number): void {
    const stride = ENDPOINT + this.#width;
    for (let i = 0; i < records && this.count < want; i++) {
      const at = start + ((first + i) % records) * stride;
      if (this.#isAsker(at)) continue;
      if (this.#announce.stalledWith?.has(this.#endpointAt(at)) === true) {
        this.#stalled ??= [];
        this.#stalled.push(at);
      } else this.#add(at);
    }
  }

  takeStalled(want: number): void {
    if (this.#stalled === undefined) return;
    for (const at of this.#stalled) if (this.count < want) this.#add(at);
  }

  #add(at: number): void {
    if (this.#seen !== undefined) {
      const size = this.#seen.size;
      if (this.#seen.add(this.#endpointAt(at)).size === size) return;
    }
    const answer = this.#answer;
    const start = at + ENDPOINT;
    const to = this.count * this.#width;
    for (let i = 0; i < this.#width; i++) this.#endpoints[to + i] = answer[start + i]!;
    if (this.#announce.details) {
      for (let i = 0; i < ID_LENGTH; i++) this.#ids[this.count * ID_LENGTH + i] = answer[at + i]!;
      this.#traits[this.count] = answer[at + TRAITS]!;
    }
    this.count++;
  }

  #isAsker(at: number): boolean {
    const { peerId, port } = this.#announce;
    const answer = this.#answer;
    let i = ID_LENGTH - 1;
    // From the end: peers of one program have the same beginning.
    while (i >= 0 && answer[at + i] === peerId[i]) i--;
    if (i < 0) return true;
    const self = this.#self;
    if (self === undefined) return false;
    const start = at + ENDPOINT;
    const length = self.length;
    if (answer[start + length] !== port >>> 8 || answer[start + length + 1] !== (port & 0xff)) return false;
    for (i = 0; i < length; i++) if (answer[start + i] !== self[i]) return false;
    return true;
  }

  #endpointAt(at: number): string {
    return this.#answer.toString('latin1', at + ENDPOINT, at + ENDPOINT + this.#width);
  }
}
