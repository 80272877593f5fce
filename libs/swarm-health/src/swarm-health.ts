import { type Clock, toHex } from '@pixtorrent/core';
import { ReportError } from './errors.ts';
import { KnownNode } from './known-node.ts';
import { type HealthLimits, withDefaults } from './limits.ts';
import type { Member } from './member.ts';
import type { NodeCounters, NodeReport, TorrentReport, TransferCounters } from './report.ts';
import { checkPieces, checkReport } from './report-check.ts';
import { type Reception, ReportStream } from './report-stream.ts';
import { Swarm } from './swarm.ts';
import {
  type MemberFigures,
  memberFigures,
  percentile,
  type SwarmFigures,
  swarmFigures,
} from './swarm-figures.ts';
import { TrackedSwarms, type TrackerCounts } from './tracked-swarms.ts';
import { add, bounded, nothingMoved, wentBack } from './transfer.ts';

/** Of all nodes together. */
export interface ClusterFigures {
  readonly nodes: number;
  /** Those of them that have been silent for a while. */
  readonly staleNodes: number;
  readonly swarms: number;
  /** Those of them that the tracker knows nothing of; 0 where it is not known what it knows. */
  readonly untracked: number;
  /** Swarms that the tracker knows. */
  readonly tracked: number;
  /** Bytes of memory, about. */
  readonly bytes: number;
  /** Reports that were taken in. */
  readonly reports: number;
  /** Times that a snapshot of a torrent was asked for. */
  readonly asked: number;
  /** Times that a torrent was left out of a report: there was no room. */
  readonly leftOut: number;
  /** Times that what a node counted of a torrent was less than it had counted before. */
  readonly restarted: number;
  /** What all nodes counted, in all swarms, also those that are gone. */
  readonly transfer: TransferCounters;
  /** By cause, since the start. */
  readonly bans: ReadonlyMap<string, number>;
  /** Of the nodes' 99th percentiles, where they measured something. */
  readonly discovery: Milliseconds;
  readonly message: Milliseconds;
}

export interface Milliseconds {
  readonly median: number;
  readonly highest: number;
}

/** Nodes that are gone and whose bans are remembered, should they come back. */
const MAX_DEPARTED = 1000;
/** Milliseconds between two looks for what is wrong. */
const REVIEW_PERIOD = 5000;
/** Causes of bans, of all nodes together. */
const MAX_CAUSES = 32;

/** All swarms, as the nodes report them. Time is this side's own: what clocks the nodes have is of no account. */
export class SwarmHealth {
  readonly #clock: Clock;
  readonly #limits: Required<HealthLimits>;
  /** The one that was silent longest comes first. */
  readonly #nodes = new Map<string, KnownNode>();
  /** By the hexadecimal info hash. */
  readonly #swarms = new Map<string, Swarm>();
  readonly #tracked = new TrackedSwarms();
  readonly #transfer = nothingMoved();
  readonly #bans = new Map<string, number>();
  readonly #departed = new Map<string, ReadonlyMap<string, number>>();
  readonly #reception: Reception = {
    begin: (stream, report) => this.#begin(stream, report),
    doubt: (node) => this.#doubt(node),
    take: (node, report) => this.#take(node, report),
  };
  #opened = 0;
  #bytes = 0;
  #reports = 0;
  #asked = 0;
  #leftOut = 0;
  #restarted = 0;
  #reviewedAt = Number.NEGATIVE_INFINITY;

  constructor({ clock }: { readonly clock: Clock }, limits: HealthLimits = {}) {
    this.#clock = clock;
    this.#limits = withDefaults(limits);
  }

  /** For a node that is about to report. A stream that began earlier for the same node is refused from then on. */
  open(): ReportStream {
    const rate = this.#limits.maxReportRate;
    return new ReportStream(this.#reception, { clock: this.#clock, rate, order: ++this.#opened });
  }

  /** By the hexadecimal info hash, in no order. */
  get swarms(): ReadonlyMap<string, Swarm> {
    return this.#swarms;
  }

  figures(swarm: Swarm): SwarmFigures {
    const tracked = this.#tracked.of(swarm.key);
    return swarmFigures(swarm, tracked, this.#clock.now(), this.#limits);
  }

  /** The tracker says so of a swarm; undefined where it knows it no more. */
  track(key: string, counts: TrackerCounts | undefined): void {
    if (counts === undefined) this.#tracked.delete(key);
    else this.#tracked.set(key, counts);
    const swarm = this.#swarms.get(key);
    if (swarm !== undefined) swarm.version++;
  }

  /** Whether all that the tracker knows has been told. Where it has not, it is known of no swarm that it does not know it. */
  trackedAll(complete: boolean): void {
    if (this.#tracked.complete === complete) return;
    this.#tracked.settle(complete);
    for (const swarm of this.#swarms.values()) swarm.version++;
  }

  /** Hexadecimal info hashes of the swarms that the tracker knows. */
  get tracked(): Iterable<string> {
    return this.#tracked.keys();
  }

  /** How it is with each node of a swarm, in no order. */
  *members(swarm: Swarm): Generator<MemberFigures> {
    const now = this.#clock.now();
    for (const member of swarm.members.values()) yield memberFigures(swarm, member, now, this.#limits);
  }

  /** The same of one that is chosen. */
  member(swarm: Swarm, member: Member): MemberFigures {
    return memberFigures(swarm, member, this.#clock.now(), this.#limits);
  }

  cluster(): ClusterFigures {
    const now = this.#clock.now();
    const nodes = [...this.#nodes.values()];
    return {
      nodes: nodes.length,
      staleNodes: nodes.filter(({ heardAt }) => now - heardAt > this.#limits.staleAfter).length,
      swarms: this.#swarms.size,
      untracked: this.#untracked(),
      tracked: this.#tracked.size,
      bytes: this.#bytes,
      reports: this.#reports,
      asked: this.#asked,
      leftOut: this.#leftOut,
      restarted: this.#restarted,
      transfer: { ...this.#transfer },
      bans: this.#bans,
      discovery: milliseconds(nodes.map(({ discoveryMs }) => discoveryMs)),
      message: milliseconds(nodes.map(({ messageMs }) => messageMs)),
    };
  }

  /** Lets go of nodes that have been silent for too long, and of pieces that nobody vouches for. To be called often. */
  sweep(): void {
    const now = this.#clock.now();
    const { goneAfter, staleAfter } = this.#limits;
    for (const node of this.#nodes.values()) {
      const silent = now - node.heardAt;
      if (silent > goneAfter) {
        this.#forget(node, now);
        continue;
      }
      if (silent > staleAfter && !node.stale) {
        node.stale = true;
        for (const key of node.members.keys()) this.#swarms.get(key)!.version++;
      }
      if (node.doubted) this.#settle(node, now);
    }
    if (now - this.#reviewedAt >= REVIEW_PERIOD) this.#review(now);
  }

  #review(now: number): void {
    this.#reviewedAt = now;
    for (const swarm of this.#swarms.values())
      if (swarm.warnings.review(swarm, this.figures(swarm), now, this.#limits)) swarm.version++;
  }

  #untracked(): number {
    if (!this.#tracked.complete) return 0;
    let count = 0;
    for (const key of this.#swarms.keys()) if (!this.#tracked.has(key)) count++;
    return count;
  }

  /** Lets go of what was in doubt for too long. */
  #settle(node: KnownNode, now: number): void {
    node.doubted = false;
    for (const [key, { doubtedAt }] of node.members) {
      if (doubtedAt === undefined) continue;
      if (now - doubtedAt > this.#limits.staleAfter) this.#leave(node, key, false, now);
      else node.doubted = true;
    }
  }

  #begin(stream: ReportStream, report: NodeReport): KnownNode {
    checkReport(report);
    this.#checkTorrents(report.torrents);
    const known = this.#nodes.get(report.node);
    if (known?.stream !== undefined && known.stream.order > stream.order)
      throw new ReportError('replaced', 'node', `${report.node} reports by another stream since`);
    if (known === undefined && this.#nodes.size >= this.#limits.maxNodes)
      throw new ReportError('full', 'node', `comes after ${this.#nodes.size} others: there is no room`);
    const node = known ?? this.#meet(report.node);
    if (node.stream !== stream) {
      node.stream = stream;
      this.#doubt(node);
    }
    return node;
  }

  #checkTorrents(torrents: readonly TorrentReport[]): void {
    torrents.forEach((torrent, n) => {
      const swarm = this.#swarms.get(toHex(torrent.infoHash));
      const { shape } = torrent;
      const field = `torrents[${n}]`;
      if (swarm !== undefined && shape !== undefined && !swarm.fits(shape))
        throw new ReportError('bad-shape', `${field}.shape`, 'is another than other nodes report');
      const pieces = swarm?.pieces ?? shape?.pieces;
      if (pieces !== undefined) checkPieces(torrent, pieces, field);
    });
  }

  #meet(name: string): KnownNode {
    const node = new KnownNode(name, this.#clock.now());
    for (const [cause, count] of this.#departed.get(name) ?? []) node.bans.set(cause, count);
    this.#departed.delete(name);
    this.#nodes.set(name, node);
    return node;
  }

  #doubt(node: KnownNode): void {
    const now = this.#clock.now();
    node.doubted = true;
    for (const member of node.members.values()) member.doubtedAt ??= now;
  }

  #take(node: KnownNode, report: NodeReport): readonly Uint8Array[] {
    const now = this.#clock.now();
    node.zone = report.zone;
    node.heardAt = now;
    node.stale = false;
    this.#nodes.delete(node.name);
    this.#nodes.set(node.name, node);
    this.#reports++;
    if (report.counters !== undefined) this.#count(node, report.counters);
    const unknown: Uint8Array[] = [];
    for (const torrent of report.torrents)
      if (!this.#report(node, torrent, now)) unknown.push(torrent.infoHash);
    for (const infoHash of report.gone) this.#leave(node, toHex(infoHash), false, now);
    this.#asked += unknown.length;
    return unknown;
  }

  /** @returns whether enough is known of the torrent, or nothing is to be */
  #report(node: KnownNode, torrent: TorrentReport, now: number): boolean {
    const key = toHex(torrent.infoHash);
    const member = node.members.get(key) ?? this.#join(node, key, torrent, now);
    if (member === undefined) {
      const isRoom = this.#hasRoom(key, torrent) || this.#yielding(key) !== undefined;
      return torrent.pieces?.type === 'snapshot' || !isRoom;
    }
    if (wentBack(member.counters, torrent)) this.#restarted++;
    const swarm = this.#swarms.get(key)!;
    const before = swarm.bytes;
    const inDoubt = member.doubtedAt !== undefined && torrent.pieces?.type !== 'snapshot';
    const gain = swarm.apply(member, inDoubt ? { ...torrent, pieces: undefined } : torrent, now);
    add(this.#transfer, gain);
    this.#between(swarm, node, torrent);
    this.#bytes += swarm.bytes - before;
    return !inDoubt;
  }

  #join(node: KnownNode, key: string, torrent: TorrentReport, now: number): Member | undefined {
    const { shape, pieces } = torrent;
    if (shape === undefined || pieces?.type !== 'snapshot') return undefined;
    if (!this.#makeRoom(key, torrent, now)) {
      this.#leftOut++;
      return undefined;
    }
    let swarm = this.#swarms.get(key);
    const before = swarm?.bytes ?? 0;
    swarm ??= new Swarm(torrent.infoHash, shape, now);
    this.#swarms.set(key, swarm);
    const member = swarm.join(node, torrent, pieces.bits, now);
    node.members.set(key, member);
    this.#bytes += swarm.bytes - before;
    return member;
  }

  #makeRoom(key: string, torrent: TorrentReport, now: number): boolean {
    while (!this.#hasRoom(key, torrent)) {
      const other = this.#yielding(key);
      if (other === undefined) return false;
      for (const { node } of [...other.members.values()]) this.#leave(node, other.key, false, now);
    }
    return true;
  }

  /**
   * The swarm whose place one may take: of those that the tracker knows nothing of the one with fewest nodes, for one that
   * it knows. What somebody makes up does not keep out what there is.
   */
  #yielding(key: string): Swarm | undefined {
    if (!this.#tracked.complete || !this.#tracked.has(key)) return undefined;
    let least: Swarm | undefined;
    for (const swarm of this.#swarms.values())
      if (!this.#tracked.has(swarm.key) && !(least && least.members.size <= swarm.members.size))
        least = swarm;
    return least;
  }

  #hasRoom(key: string, { shape }: TorrentReport): boolean {
    const { maxSwarms, maxBytes } = this.#limits;
    const swarm = this.#swarms.get(key);
    if (swarm !== undefined) return this.#bytes + swarm.bytesOfMember <= maxBytes;
    if (this.#swarms.size >= maxSwarms) return false;
    return this.#bytes + (shape === undefined ? 0 : Swarm.bytesOf(shape)) <= maxBytes;
  }

  /** Each byte is counted where it came. */
  #between(swarm: Swarm, node: KnownNode, { peers }: TorrentReport): void {
    for (const { peer, received } of peers) {
      if (received === 0) continue;
      const other = this.#nodes.get(peer);
      if (other === undefined) continue;
      swarm.betweenNodes = bounded(swarm.betweenNodes + received);
      if (node.zone !== '' && other.zone !== '' && node.zone !== other.zone)
        swarm.acrossZones = bounded(swarm.acrossZones + received);
    }
  }

  #count(node: KnownNode, { bans, discoveryMs, messageMs }: NodeCounters): void {
    node.discoveryMs = discoveryMs;
    node.messageMs = messageMs;
    for (const [cause, count] of Object.entries(bans)) {
      const before = node.bans.get(cause) ?? 0;
      const gain = count < before ? count : count - before;
      if (this.#bans.has(cause) || this.#bans.size < MAX_CAUSES)
        this.#bans.set(cause, (this.#bans.get(cause) ?? 0) + gain);
      node.bans.set(cause, count);
      if (node.counted)
        for (const key of node.members.keys()) this.#swarms.get(key)!.warnings.bans.add(gain, node.heardAt);
    }
    node.counted = true;
  }

  #leave(node: KnownNode, key: string, remember: boolean, now: number): void {
    const member = node.members.get(key);
    if (member === undefined) return;
    node.members.delete(key);
    const swarm = this.#swarms.get(key)!;
    const before = swarm.bytes;
    swarm.leave(member, remember, now);
    if (swarm.members.size > 0) this.#bytes += swarm.bytes - before;
    else {
      this.#swarms.delete(key);
      this.#bytes -= before;
    }
  }

  #forget(node: KnownNode, now: number): void {
    for (const key of [...node.members.keys()]) this.#leave(node, key, true, now);
    this.#nodes.delete(node.name);
    if (this.#departed.size < MAX_DEPARTED) this.#departed.set(node.name, node.bans);
  }
}

function milliseconds(values: readonly number[]): Milliseconds {
  const sorted = values.filter((value) => value > 0).sort((a, b) => a - b);
  return { median: percentile(sorted, 50), highest: sorted.at(-1) ?? 0 };
}
