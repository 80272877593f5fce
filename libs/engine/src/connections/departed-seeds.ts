import { endpointKey, toHex } from '@pixtorrent/core';
import { GoodbyeReason } from '@pixtorrent/peer-protocol';
import type { Peer } from '../peer.ts';
import type { DisconnectReason } from '../ports.ts';

/** How long one counts without a sign of life, milliseconds; it is dialled again before that. */
const LIFETIME = 900_000;
const MAX_SEEDS = 1000;

/**
 * Peers that had everything and were left only for that: two that want nothing do not stay connected, but each still
 * is a copy of the content to the other.
 */
export class DepartedSeeds {
  /** Peer ID, in the order in which they left. */
  readonly #seeds = new Map<string, { readonly endpoint: string; readonly until: number }>();

  /** Whether the connection ended because both had everything, as far as this side was told. */
  static leaves(peer: Peer, reason: DisconnectReason): boolean {
    return reason === 'both-complete' || peer.farewell === GoodbyeReason.complete;
  }

  count(now: number): number {
    for (const [id, { until }] of this.#seeds) {
      if (until > now) break;
      this.#seeds.delete(id);
    }
    return this.#seeds.size;
  }

  add(peer: Peer, now: number): void {
    this.arrived(peer);
    if (this.#seeds.size >= MAX_SEEDS) return;
    const endpoint = endpointKey(peer.listensAt ?? peer.info.endpoint);
    this.#seeds.set(toHex(peer.info.handshake.peerId), { endpoint, until: now + LIFETIME });
  }

  /** It is connected again. */
  arrived(peer: Peer): void {
    this.#seeds.delete(toHex(peer.info.handshake.peerId));
  }

  /** Nobody answers there any more. */
  unreachable(endpoint: string): void {
    for (const [id, seed] of this.#seeds) if (seed.endpoint === endpoint) this.#seeds.delete(id);
  }

  clear(): void {
    this.#seeds.clear();
  }
}
