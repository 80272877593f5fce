import type { ConnectedPeer, TorrentSession } from '@pixtorrent/client';
import type { metrics as wire } from '@pixtorrent/contracts';
import type { KeptTorrent } from '../torrents/kept-torrent.ts';
import { PeerTally } from './peer-tally.ts';

/** What a report says beside what a torrent knows of itself. */
export interface ReportContext {
  /** NAME@VERSION; empty where it is in no catalogue. */
  readonly name: string;
  /** Everything, and not what has changed. */
  readonly snapshot: boolean;
  /** What a peer is called, by its HOST:PORT. */
  readonly nameOf: (endpoint: string) => string;
  readonly announced: boolean;
}

/** One torrent, as it is reported as long as its session lasts. */
export class ReportedTorrent {
  readonly session: TorrentSession;
  readonly #tally = new PeerTally();
  readonly #ended = (peer: ConnectedPeer): void => this.#tally.ended(peer);
  #name = '';
  /** Pieces as they were told. */
  #told: Uint8Array = new Uint8Array(0);
  #received = -1;
  #moved = 0;
  /** When something came last, or nothing was wanted: milliseconds. */
  #cameAt = 0;
  #stalledMs = 0;

  constructor(session: TorrentSession) {
    this.session = session;
    session.on('disconnected', this.#ended);
  }

  close(): void {
    this.session.off('disconnected', this.#ended);
  }

  /** Takes down what moves, whether or not it can be told. To be called often. */
  look(now: number): void {
    const { downloaded, uploaded } = this.session.stats();
    if (downloaded !== this.#received || this.session.complete) this.#cameAt = now;
    this.#received = downloaded;
    this.#stalledMs = Math.round(now - this.#cameAt);
    if (downloaded + uploaded === this.#moved) return;
    this.#moved = downloaded + uploaded;
    for (const peer of this.session.peers()) this.#tally.count(peer);
  }

  report({ metainfo, partial }: KeptTorrent, context: ReportContext): wire.TorrentReport {
    // What it is called may be known later than what it has.
    const snapshot = context.snapshot || context.name !== this.#name;
    const { downloaded, uploaded, wasted, duplicate, failed, peers } = this.session.stats();
    const { bytes } = this.session.bitfield();
    const { infoHash, length: size, pieceLength, pieceCount: pieces } = metainfo;
    const changes = snapshot ? undefined : differences(this.#told, bytes);
    this.#told = bytes;
    this.#name = context.name;
    return {
      infoHash: Buffer.from(infoHash),
      shape: snapshot ? { name: context.name, size, pieceLength, pieces } : undefined,
      pieces: snapshot
        ? { $case: 'snapshot', snapshot: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) }
        : changes && { $case: 'changes', changes },
      received: downloaded,
      sent: uploaded,
      duplicate,
      wasted: wasted - duplicate,
      failed,
      stalledMs: this.#stalledMs,
      peers: this.#tally.take(context.nameOf),
      connected: peers,
      partial,
      announced: context.announced,
    };
  }
}

/** Pieces that are in one set of bits and not in the other; undefined where they are the same. */
function differences(before: Uint8Array, now: Uint8Array): wire.PieceChanges | undefined {
  const came: number[] = [];
  const went: number[] = [];
  for (let byte = 0; byte < now.length; byte++) {
    const differ = before[byte]! ^ now[byte]!;
    for (let bit = 0; differ !== 0 && bit < 8; bit++) {
      const mask = 0x80 >>> bit;
      if ((differ & mask) !== 0) (now[byte]! & mask ? came : went).push(byte * 8 + bit);
    }
  }
  return came.length + went.length > 0 ? { came, went } : undefined;
}
