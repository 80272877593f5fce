import type { ConnectedPeer } from '@pixtorrent/client';
import type { metrics as wire } from '@pixtorrent/contracts';
import { endpointKey, toHex } from '@pixtorrent/core';

interface Bytes {
  received: number;
  sent: number;
}

/** Peers that are told of in one report: those that moved most. */
const MOST_TOLD = 100;
/** Peers whose bytes are kept while they cannot be told. */
const MOST_KEPT = 1000;

/** What moved from and to each peer of a torrent since that was told last, also over connections that have ended. */
export class PeerTally {
  /** By peer ID: what was counted already of the connection. */
  readonly #counted = new Map<string, Bytes>();
  /** By endpoint. */
  readonly #untold = new Map<string, Bytes>();

  /** A connection that lasts. */
  count(peer: ConnectedPeer): void {
    const { received, sent } = peer;
    this.#gained(peer);
    this.#counted.set(toHex(peer.peerId), { received, sent });
  }

  /** A connection that has ended, and its last figures. */
  ended(peer: ConnectedPeer): void {
    this.#gained(peer);
    this.#counted.delete(toHex(peer.peerId));
  }

  /** @param nameOf what a peer is called, by its HOST:PORT */
  take(nameOf: (endpoint: string) => string): wire.PeerBytes[] {
    const told = Array.from(this.#untold, ([endpoint, bytes]) => ({ peer: nameOf(endpoint), ...bytes }))
      .sort((a, b) => b.received + b.sent - a.received - a.sent)
      .slice(0, MOST_TOLD);
    this.#untold.clear();
    return told;
  }

  #gained(peer: ConnectedPeer): void {
    const before = this.#counted.get(toHex(peer.peerId));
    const received = peer.received - (before?.received ?? 0);
    const sent = peer.sent - (before?.sent ?? 0);
    if (received === 0 && sent === 0) return;
    const endpoint = endpointKey(peer);
    const bytes = this.#untold.get(endpoint);
    if (bytes !== undefined) {
      bytes.received += received;
      bytes.sent += sent;
    } else if (this.#untold.size < MOST_KEPT) this.#untold.set(endpoint, { received, sent });
  }
}
