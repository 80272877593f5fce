import { GoodbyeReason } from '@pixtorrent/peer-protocol';
import type { ActivePiece } from '../pieces/active-piece.ts';
import type { Swarm } from '../swarm.ts';
import { Suspects } from './suspects.ts';

/**
 * Who sent bad data. A bad piece from one peer bans it at once. One from several is kept in mind as digests of its
 * blocks and fetched again, from one peer alone; whose blocks differ from the good copy is banned.
 */
export class Verdicts {
  readonly suspects = new Suspects();
  readonly #swarm: Swarm;
  /** Bad copies whose digests are being taken: piece to the serials that gave its blocks. */
  readonly #failing = new Map<number, Int32Array>();

  constructor(swarm: Swarm) {
    this.#swarm = swarm;
  }

  /** The hash of a piece was wrong. */
  pieceFailed(active: ActivePiece): void {
    const { dependencies, pieces } = this.#swarm;
    const contributors = new Set(active.sources);
    pieces.failed(active);
    dependencies.events?.pieceFailed?.(active.piece, contributors.size);
    if (contributors.size === 1) {
      this.#ban(active.sources[0]!);
      this.#retry(active.piece);
      return;
    }
    this.#failing.set(active.piece, active.sources);
    dependencies.pieces.fingerprint(active.piece);
  }

  /** The hash of a piece was right: it is stored, after a look at it where an earlier copy was bad. */
  pieceGood(piece: number): void {
    if (this.suspects.has(piece)) this.#swarm.dependencies.pieces.fingerprint(piece);
    else this.#swarm.dependencies.pieces.store(piece);
  }

  fingerprinted(piece: number, digests: readonly string[]): void {
    const sources = this.#failing.get(piece);
    if (sources) {
      this.#failing.delete(piece);
      this.suspects.remember(piece, sources, digests);
      this.#retry(piece);
      return;
    }
    for (const serial of this.suspects.convict(piece, digests)) this.#ban(serial);
    this.#swarm.dependencies.pieces.store(piece);
  }

  #retry(piece: number): void {
    this.#swarm.dependencies.pieces.release(piece);
    this.#swarm.pieces.retry(piece);
  }

  #ban(serial: number): void {
    const { reputation, dependencies, peers } = this.#swarm;
    const key = reputation.keyOf(serial);
    if (key === undefined) return;
    const cause = reputation.badPiece(key);
    if (cause) dependencies.events?.peerBanned?.(key, cause);
    for (const peer of [...peers]) {
      if (peer.key === key) this.#swarm.disconnect(peer, 'banned', GoodbyeReason.banned, 'bad data');
    }
  }
}
