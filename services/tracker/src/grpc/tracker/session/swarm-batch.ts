import { tracker as wire } from '@pixtorrent/contracts';
import type { InfoHash } from '@pixtorrent/core';
import type { MemberChange } from '@pixtorrent/tracker';
import { bufferOf } from '../swarm-messages.ts';

/** Tag of `change` in SessionResponse: field 2, with a length. */
const CHANGE_TAG = (2 << 3) | 2;
const NO_HASH = Buffer.alloc(0);
const NOTHING = Buffer.alloc(0);

interface Place {
  readonly start: number;
  readonly end: number;
}

/**
 * What has happened in a swarm, as messages that are encoded once for all who get them. The fields of a message may be
 * put together from those of others: each change is encoded by itself, leechers first, so that a seeder's message is the
 * beginning of a leecher's, and that of a peer that is among them leaves out its own part.
 */
export class SwarmBatch {
  readonly #header: Buffer;
  readonly #changes: Buffer;
  /** Where the changes of leechers end. */
  readonly #leechersEnd: number;
  readonly #places = new Map<string, Place>();
  #forLeechers: Buffer | undefined;
  #forSeeders: Buffer | undefined;

  /** @param changes by the endpoint of the peer in compact form */
  constructor(infoHash: InfoHash, changes: ReadonlyMap<string, MemberChange>) {
    this.#header = encoded({ infoHash: bufferOf(infoHash), joined: [], left: [] });
    const parts: Buffer[] = [];
    let at = 0;
    const add = (seeds: boolean): void => {
      for (const [endpoint, change] of changes) {
        if (change.seed !== seeds) continue;
        const part = encodedChange(change);
        parts.push(part);
        this.#places.set(endpoint, { start: at, end: at + part.length });
        at += part.length;
      }
    };
    add(false);
    this.#leechersEnd = at;
    add(true);
    this.#changes = Buffer.concat(parts, at);
  }

  /** The message for a member, without what it says of itself; undefined where there is nothing to tell it. */
  messageFor({ endpoint, seed }: { readonly endpoint: string; readonly seed: boolean }): Buffer | undefined {
    const end = seed ? this.#leechersEnd : this.#changes.length;
    const own = this.#places.get(endpoint);
    if (own !== undefined && own.end <= end)
      return this.#message(this.#changes.subarray(0, own.start), this.#changes.subarray(own.end, end));
    if (seed) this.#forSeeders ??= this.#message(this.#changes.subarray(0, end), NOTHING) ?? NOTHING;
    else this.#forLeechers ??= this.#message(this.#changes, NOTHING) ?? NOTHING;
    const shared = seed ? this.#forSeeders : this.#forLeechers;
    return shared === NOTHING ? undefined : shared;
  }

  #message(first: Buffer, second: Buffer): Buffer | undefined {
    if (first.length + second.length === 0) return undefined;
    const length = this.#header.length + first.length + second.length;
    return Buffer.concat([tagged(length), this.#header, first, second]);
  }
}

function encodedChange({ type, address, port, peerId, pixwire, seed }: MemberChange): Buffer {
  const peer: wire.Peer = {
    address: bufferOf(address),
    port,
    peerId: bufferOf(peerId),
    pixwire,
    seeder: seed,
  };
  return encoded({
    infoHash: NO_HASH,
    joined: type === 'joined' ? [peer] : [],
    left: type === 'left' ? [peer] : [],
  });
}

function encoded(change: wire.SwarmChange): Buffer {
  return bufferOf(wire.SwarmChange.encode(change).finish());
}

/** What comes before a SwarmChange of `length` bytes in a SessionResponse. */
function tagged(length: number): Buffer {
  const bytes = [CHANGE_TAG];
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
