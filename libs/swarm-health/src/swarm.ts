import { Bitfield, printable, toHex } from '@pixtorrent/core';
import { Copies } from './copies.ts';
import type { KnownNode } from './known-node.ts';
import { Member, NOBODY } from './member.ts';
import type { PieceReport, TorrentReport, TorrentShape, TransferCounters } from './report.ts';
import { Spread } from './spread.ts';
import { add, gained, nothingMoved, type Transfer, take } from './transfer.ts';
import { Warnings } from './warnings.ts';

/** Bytes, about. */
const COST = { swarm: 8192, piece: 12, member: 1024, peer: 100 } as const;
/** Members that are gone and whose counters are remembered, should they come back. */
const MAX_DEPARTED = 1000;

/** One torrent, and who has what of it. */
export class Swarm {
  readonly infoHash: Uint8Array;
  /** The same in hexadecimal. */
  readonly key: string;
  readonly size: number;
  readonly pieceLength: number;
  readonly pieces: number;
  readonly copies: Copies;
  readonly spread: Spread;
  readonly warnings = new Warnings();
  readonly members = new Map<string, Member>();
  /** What all members counted, also those that are gone. */
  readonly transfer: Transfer = nothingMoved();
  /** Bytes that those sent who had it first; that went between known nodes; and of these, between zones. */
  originSent = 0;
  betweenNodes = 0;
  acrossZones = 0;
  /** One more with each change. */
  version = 0;
  /** Bytes of memory, about. */
  bytes: number;
  #name = '';
  /** Members that are to become whole. */
  #nodes = 0;
  readonly #slots: number[] = [];
  #nextSlot = 0;
  readonly #departed = new Map<string, Transfer>();

  constructor(infoHash: Uint8Array, shape: TorrentShape, now: number) {
    this.infoHash = Uint8Array.from(infoHash);
    this.key = toHex(infoHash);
    this.size = shape.size;
    this.pieceLength = shape.pieceLength;
    this.pieces = shape.pieces;
    this.copies = new Copies(shape.pieces);
    this.spread = new Spread(shape.pieces, now);
    this.bytes = Swarm.bytesOf(shape);
  }

  /** Bytes of memory that a swarm takes without its members. */
  static bytesOf({ pieces }: TorrentShape): number {
    return COST.swarm + pieces * COST.piece;
  }

  /** Bytes of memory that one member more takes. */
  get bytesOfMember(): number {
    return COST.member + this.pieces / 8;
  }

  /** NAME@VERSION, or empty. */
  get name(): string {
    return this.#name;
  }

  fits({ size, pieceLength, pieces }: TorrentShape): boolean {
    return size === this.size && pieceLength === this.pieceLength && pieces === this.pieces;
  }

  /** A node that was not there has reported. @param bits all pieces that it has */
  join(node: KnownNode, torrent: TorrentReport, bits: Uint8Array, now: number): Member {
    const pieces = Bitfield.parse(bits, this.pieces)!;
    const origin = pieces.complete && torrent.received === 0;
    const member = new Member(node, this.#slots.pop() ?? this.#nextSlot++, pieces, origin, now);
    member.partial = torrent.partial;
    member.counters = this.#departed.get(node.name);
    this.#departed.delete(node.name);
    this.members.set(node.name, member);
    this.bytes += this.bytesOfMember;
    if (!torrent.partial) this.#nodes++;
    this.copies.addAll(pieces, member.slot);
    this.spread.expect(this.#nodes);
    this.spread.review(this.copies, now);
    return member;
  }

  /**
   * A node is gone, and its copies with it.
   * @param remember whether it may go on where it was: it fell silent, and has not let go of the torrent
   */
  leave(member: Member, remember: boolean, now: number): void {
    const { name } = member.node;
    this.members.delete(name);
    this.#slots.push(member.slot);
    this.bytes -= this.bytesOfMember + member.peers.length * COST.peer;
    if (!member.partial) this.#nodes--;
    if (remember && member.counters !== undefined && this.#departed.size < MAX_DEPARTED)
      this.#departed.set(name, member.counters);
    this.copies.removeAll(member.pieces, member.slot);
    this.spread.expect(this.#nodes);
    this.spread.review(this.copies, now);
    this.version++;
  }

  /** A member has reported; its figures are checked. @returns what moved since it did before */
  apply(member: Member, torrent: TorrentReport, now: number): TransferCounters {
    const gain = gained(member.counters, torrent);
    // What it counted before it was first heard of, it did at no time that is known.
    if (now > member.since) {
      member.down.add(gain.received, now);
      member.up.add(gain.sent, now);
      if (member.origin) this.warnings.originSent.add(gain.sent, now);
      this.warnings.failed.add(gain.failed, now);
    }
    member.counters = take(member.counters ?? nothingMoved(), torrent);
    add(this.transfer, gain);
    if (member.origin) this.originSent += gain.sent;
    if (torrent.shape !== undefined && torrent.shape.name !== '') this.#name = printable(torrent.shape.name);
    const becomes = torrent.partial !== member.partial;
    if (becomes) this.#become(member, torrent.partial);
    if (torrent.pieces !== undefined) this.#pieces(member, torrent.pieces, now);
    if (becomes) this.spread.review(this.copies, now);
    this.bytes += (torrent.peers.length - member.peers.length) * COST.peer;
    member.peers = torrent.peers.length > 0 ? torrent.peers : NOBODY;
    member.stalledMs = torrent.stalledMs;
    member.connected = torrent.connected;
    member.announced = torrent.announced;
    this.version++;
    return gain;
  }

  /** Bytes of the content that a member has. */
  have({ pieces }: Member): number {
    const last = this.pieces - 1;
    const missing = pieces.has(last) ? this.pieces * this.pieceLength - this.size : 0;
    return pieces.count * this.pieceLength - missing;
  }

  #pieces(member: Member, report: PieceReport, now: number): void {
    if (report.type === 'snapshot') this.#differ(member, report.bits, now);
    else {
      for (const piece of report.came) this.#came(member, piece, now);
      for (const piece of report.went) this.#went(member, piece, now);
    }
    if (!member.pieces.complete) member.wholeAt = undefined;
    else member.wholeAt ??= now;
  }

  #differ(member: Member, bits: Uint8Array, now: number): void {
    member.doubtedAt = undefined;
    const { bytes } = member.pieces;
    for (let byte = 0; byte < bits.length; byte++) {
      const differ = bytes[byte]! ^ bits[byte]!;
      if (differ === 0) continue;
      for (let bit = 0; bit < 8; bit++) {
        if ((differ & (0x80 >>> bit)) === 0) continue;
        const piece = byte * 8 + bit;
        if (member.pieces.has(piece)) this.#went(member, piece, now);
        else this.#came(member, piece, now);
      }
    }
  }

  #came(member: Member, piece: number, now: number): void {
    if (member.pieces.add(piece)) this.spread.look(piece, this.copies.add(piece, member.slot), now);
  }

  #went(member: Member, piece: number, now: number): void {
    if (member.pieces.delete(piece)) this.spread.look(piece, this.copies.remove(piece, member.slot), now);
  }

  /** The spread is to be reviewed when the pieces are up to date too. */
  #become(member: Member, partial: boolean): void {
    member.partial = partial;
    this.#nodes += partial ? -1 : 1;
    this.spread.expect(this.#nodes);
  }
}
