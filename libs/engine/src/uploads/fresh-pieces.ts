import { isPixTorrent } from '@pixtorrent/core';
import type { Peer } from '../peer.ts';
import type { Swarm } from '../swarm.ts';

/** How long a piece given to a peer counts as being passed on before it is given again, milliseconds. */
const PASS_ON_TIME = 10_000;
/** And how long a node that is about to leave waits for that, milliseconds. */
const FIRST_COPY_TIME = 3000;
/** A peer that asks again for a refused piece after this time gets it, milliseconds. */
const ASK_AGAIN = 450;
/** Refusals remembered; beyond it nothing is refused until pieces of them were given or got elsewhere. */
const MAX_REFUSALS = 65_536;

/**
 * Keeps a seeder, and any node that is about to leave, from repeating itself: as long as there are pieces that nobody else has or is being given, it
 * refuses those that others can give; after that only those that two others have. Only to our own kind, on either
 * wire: others take a Reject for a fault. Nobody starves: what is asked for again half a second later is served.
 */
export class FreshPieces {
  readonly #swarm: Swarm;
  /** To whom each piece that nobody else has was given, and when. */
  readonly #given = new Map<number, { readonly peer: Peer; readonly at: number }>();
  readonly #refusedAt = new Map<Peer, Map<number, number>>();
  #refusals = 0;

  constructor(swarm: Swarm) {
    this.#swarm = swarm;
  }

  /** Whether to refuse the piece to the peer now. */
  refuses(peer: Peer, piece: number, now: number): boolean {
    const { pieces, draining } = this.#swarm;
    if (!peer.link.rejects || !isPixTorrent(peer.info.handshake.peerId)) return false;
    if (draining && pieces.availability.sole > 0) return !this.#isFirstCopy(piece, peer, now);
    if (!pieces.have.complete || !this.#othersGive(piece, peer, now)) return false;
    let refusals = this.#refusedAt.get(peer);
    const before = refusals?.get(piece);
    if (before !== undefined && now - before >= ASK_AGAIN) {
      refusals!.delete(piece);
      this.#refusals--;
      return false;
    }
    if (before !== undefined) return true;
    if (this.#refusals >= MAX_REFUSALS) return false;
    if (!refusals) {
      refusals = new Map();
      this.#refusedAt.set(peer, refusals);
    }
    refusals.set(piece, now);
    this.#refusals++;
    return true;
  }

  /** The piece is being sent to the peer. */
  gave(peer: Peer, piece: number, now: number): void {
    if (this.#swarm.pieces.availability.partialCopies(piece) === 0 && this.#given.get(piece)?.peer !== peer) {
      this.#given.set(piece, { peer, at: now });
    }
  }

  /** The peer has the piece: it can be passed on from there. */
  spread(peer: Peer, piece: number): void {
    this.#given.delete(piece);
    if (this.#refusedAt.get(peer)?.delete(piece)) this.#refusals--;
  }

  gone(peer: Peer): void {
    for (const [piece, { peer: holder }] of this.#given) if (holder === peer) this.#given.delete(piece);
    this.#refusals -= this.#refusedAt.get(peer)?.size ?? 0;
    this.#refusedAt.delete(peer);
  }

  /**
   * Before a node leaves its line is for first copies of what only it has: second ones, and what others have too,
   * would make them come later.
   */
  #isFirstCopy(piece: number, asker: Peer, now: number): boolean {
    if (!this.#swarm.pieces.availability.isSole(piece)) return false;
    const given = this.#given.get(piece);
    return given === undefined || given.peer === asker || now - given.at > FIRST_COPY_TIME;
  }

  /**
   * Whether somebody has it, or is being given it, while there are pieces that nobody has or is being given; after
   * that whether two have it: a single holder may be slow, and everybody would wait for it beside an idle seeder.
   */
  #othersGive(piece: number, asker: Peer, now: number): boolean {
    const { availability } = this.#swarm.pieces;
    const fresh = availability.unspread > this.#given.size;
    const copies = availability.partialCopies(piece);
    if (copies > 0) return fresh || copies > 1;
    const given = this.#given.get(piece);
    // The last copies of a node that leaves take its line from each other: the first ones come first.
    return (
      (fresh || this.#swarm.draining) &&
      given !== undefined &&
      given.peer !== asker &&
      now - given.at <= PASS_ON_TIME
    );
  }
}
