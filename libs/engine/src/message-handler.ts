import type { Bitfield } from '@pixtorrent/core';
import { type ExtensionHandshake, GoodbyeReason } from '@pixtorrent/peer-protocol';
import type { HaveAnnouncer } from './announcing/have-announcer.ts';
import { METADATA_ID, type MetadataService } from './announcing/metadata-service.ts';
import type { SuperSeed } from './announcing/super-seed.ts';
import type { Choker } from './choking/choker.ts';
import type { Connector } from './connections/connector.ts';
import type { Peer, PeerHandler } from './peer.ts';
import type { DisconnectReason } from './ports.ts';
import type { Downloader } from './requests/downloader.ts';
import type { Swarm } from './swarm.ts';
import type { Uploader } from './uploads/uploader.ts';

/** Requests that are queued here for a BEP 3 peer, as the extension handshake tells it (`reqq`). */
const REQUEST_QUEUE = 2048;

interface Parts {
  readonly downloader: Downloader;
  readonly uploader: Uploader;
  readonly choker: Choker;
  readonly connector: Connector;
  readonly announcer: HaveAnnouncer;
  readonly superSeed: SuperSeed | undefined;
  readonly metadata: MetadataService;
  closed(peer: Peer, reason: DisconnectReason): void;
}

/** Takes each message of a peer to the part that it concerns, and keeps the books of who has what. */
export class MessageHandler implements PeerHandler {
  readonly #swarm: Swarm;
  readonly #parts: Parts;

  constructor(swarm: Swarm, parts: Parts) {
    this.#swarm = swarm;
    this.#parts = parts;
  }

  /** What is said first after the pieces. */
  greet(peer: Peer): void {
    if (!peer.info.handshake.extensions) return;
    const { options, pieces } = this.#swarm;
    const size = this.#parts.metadata.size;
    peer.link.extensionHandshake({
      ids: size === undefined ? {} : { ut_metadata: METADATA_ID },
      client: options.clientName ?? 'PixTorrent',
      requestQueue: REQUEST_QUEUE,
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(pieces.complete ? { uploadOnly: true } : {}),
      ...(size === undefined ? {} : { metadataSize: size }),
    });
  }

  chokeChanged(peer: Peer): void {
    if (peer.chokesUs) this.#parts.downloader.choked(peer);
    else this.#parts.downloader.fill(peer);
  }

  interestChanged(peer: Peer): void {
    this.#parts.choker.interestChanged(peer);
  }

  gained(peer: Peer, piece: number): void {
    const { pieces } = this.#swarm;
    if (peer.seed) this.#becameSeed(peer, piece);
    else pieces.availability.increment(piece);
    this.#parts.uploader.fresh.spread(peer, piece);
    this.#parts.superSeed?.spread(peer, piece);
    if (pieces.lacks(piece)) {
      peer.useful++;
      this.updateInterest(peer);
      this.#parts.downloader.gained(peer, piece);
    }
    if (peer.seed) this.closeIfBothComplete(peer);
  }

  announced(peer: Peer, bits: Bitfield): void {
    if (bits.complete) {
      this.announcedAll(peer);
      return;
    }
    for (const piece of bits) {
      if (!peer.has.add(piece)) continue;
      if (peer.seed) this.#becameSeed(peer, piece);
      else this.#swarm.pieces.availability.increment(piece);
      this.#parts.uploader.fresh.spread(peer, piece);
    }
    this.#parts.superSeed?.joined(peer);
    this.#countUseful(peer);
  }

  announcedAll(peer: Peer): void {
    if (peer.seed) return;
    for (const piece of peer.has) this.#swarm.pieces.availability.decrement(piece);
    peer.has.fill();
    this.#swarm.pieces.availability.seeds++;
    this.#countUseful(peer);
    this.closeIfBothComplete(peer);
  }

  requested(peer: Peer, piece: number, offset: number, length: number): void {
    if (this.#parts.superSeed && !this.#parts.superSeed.mayAsk(peer, piece))
      peer.link.reject(piece, offset, length);
    else this.#parts.uploader.requested(peer, piece, offset, length);
  }

  cancelled(peer: Peer, piece: number, offset: number, length: number): void {
    this.#parts.uploader.cancelled(peer, piece, offset, length);
  }

  rejected(peer: Peer, piece: number, offset: number, length: number): void {
    this.#parts.downloader.rejected(peer, piece, offset, length);
  }

  extensionHandshake(peer: Peer, handshake: ExtensionHandshake): void {
    peer.metadataId = handshake.ids.ut_metadata ?? peer.metadataId;
    peer.uploadOnly = handshake.uploadOnly ?? peer.uploadOnly;
    if (peer.info.incoming && handshake.port !== undefined && !peer.listensAt) {
      peer.listensAt = { host: peer.info.endpoint.host, port: handshake.port };
      this.#parts.connector.listensAt(peer.listensAt);
    }
    this.closeIfBothComplete(peer);
  }

  extended(peer: Peer, id: number, payload: Uint8Array): void {
    if (id === METADATA_ID) this.#parts.metadata.received(peer, payload);
  }

  blockBegin(peer: Peer, piece: number, offset: number, length: number): boolean {
    return this.#parts.downloader.blockBegin(peer, piece, offset, length);
  }

  blockEnd(peer: Peer, piece: number, offset: number, length: number): void {
    this.#parts.downloader.blockEnd(peer, piece, offset, length);
  }

  blockAbort(_peer: Peer, piece: number, offset: number, length: number): void {
    this.#parts.downloader.blockAbort(piece, offset, length);
  }

  blockSent(peer: Peer, length: number): void {
    this.#parts.uploader.sent(peer, length);
  }

  blockNotSent(peer: Peer, piece: number, offset: number, length: number): void {
    this.#parts.uploader.notSent(peer, piece, offset, length);
  }

  closed(peer: Peer, reason: DisconnectReason): void {
    this.#parts.closed(peer, reason);
  }

  /** Takes a peer that has left out of all books. */
  forget(peer: Peer): void {
    const { availability } = this.#swarm.pieces;
    if (peer.seed) availability.seeds--;
    else for (const piece of peer.has) availability.decrement(piece);
    this.#parts.downloader.gone(peer);
    this.#parts.uploader.gone(peer);
    this.#parts.choker.gone(peer);
    this.#parts.superSeed?.gone(peer);
  }

  updateInterest(peer: Peer): void {
    const interested = peer.useful > 0 && !this.#swarm.draining;
    if (interested === peer.interestedSent) return;
    peer.interestedSent = interested;
    if (interested) peer.link.interested();
    else peer.link.notInterested();
  }

  /** Two that want nothing have nothing to say to each other. */
  closeIfBothComplete(peer: Peer): void {
    const { pieces, draining } = this.#swarm;
    if (!pieces.complete || draining || !(peer.seed || peer.uploadOnly) || peer.wantsData) return;
    // Only who was told of every piece knows that this is one more copy of the content.
    this.#parts.announcer.flush(peer);
    this.#swarm.disconnect(peer, 'both-complete', GoodbyeReason.complete, 'both complete');
  }

  /** It has gained its last piece: it moves from the counts of pieces to the count of seeds. */
  #becameSeed(peer: Peer, last: number): void {
    const { availability } = this.#swarm.pieces;
    for (const piece of peer.has) if (piece !== last) availability.decrement(piece);
    availability.seeds++;
  }

  #countUseful(peer: Peer): void {
    let useful = 0;
    for (const piece of peer.has) if (this.#swarm.pieces.lacks(piece)) useful++;
    peer.useful = useful;
    this.updateInterest(peer);
    if (!peer.chokesUs) this.#parts.downloader.fill(peer);
  }
}
