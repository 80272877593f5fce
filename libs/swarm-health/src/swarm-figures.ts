import type { HealthLimits } from './limits.ts';
import type { Member } from './member.ts';
import type { PeerBytes } from './report.ts';
import type { Swarm } from './swarm.ts';
import type { TrackerCounts } from './tracked-swarms.ts';
import type { Warning } from './warnings.ts';

/** How healthy a swarm is. Bytes, seconds, bytes a second; the definitions are in docs/metrics.md. */
export interface SwarmFigures {
  readonly infoHash: Uint8Array;
  readonly name: string;
  readonly size: number;
  readonly pieces: number;
  /** Nodes that are to have all of it, and those of them that do. */
  readonly nodes: number;
  readonly whole: number;
  /** Nodes that get only what is read of it. */
  readonly partial: number;
  readonly availability: number;
  readonly distributedCopies: number;
  /** Pieces of which there are 0, 1, 2, 3, 4 to 7, 8 to 15, 16 and more copies: the `COPY_GROUPS`. */
  readonly piecesByCopies: readonly number[];
  /** From 0 to 1: the least, and the 10th, 50th and 90th percentile; 0 without nodes. */
  readonly completion: {
    readonly min: number;
    readonly p10: number;
    readonly p50: number;
    readonly p90: number;
  };
  readonly secondsLeft: number | undefined;
  readonly stragglerRatio: number;
  /** Of the nodes that lack something; undefined where none does. */
  readonly slowest: string | undefined;
  readonly seederAmplification: number;
  readonly duplicateRatio: number;
  readonly wasteRatio: number;
  readonly spreadSeconds: readonly number[];
  readonly bytesAcrossZones: number;
  readonly bytesBetweenNodes: number;
  readonly received: number;
  readonly sent: number;
  readonly stalled: number;
  readonly failedPieces: number;
  readonly downRate: number;
  /** Undefined where every piece is with several nodes, or with none. */
  readonly soleHolder: string | undefined;
  readonly solePieces: number;
  /** The worst first. */
  readonly warnings: readonly Warning[];
  /** Undefined where no tracker is followed, or it is away. */
  readonly tracker: TrackerFigures | undefined;
}

/** Who is in a swarm by what its tracker says. */
export interface TrackerFigures extends TrackerCounts {
  /** Nodes that report, and that say that they are announced. */
  readonly announced: number;
  /** Peers beside these: ordinary clients, and nodes that do not report. */
  readonly others: number;
}

/** How it is with one node of a swarm. */
export interface MemberFigures {
  readonly node: string;
  readonly zone: string;
  /** It gets only what is read of it. */
  readonly partial: boolean;
  readonly completion: number;
  /** A bit a piece, high bit first. Read only. */
  readonly pieces: Uint8Array;
  readonly downRate: number;
  readonly upRate: number;
  readonly solePieces: number;
  readonly stalled: boolean;
  readonly silentSeconds: number;
  /** A tracker knows of it, by its own word. */
  readonly announced: boolean;
  readonly peers: readonly PeerBytes[];
}

export type Times = Required<Pick<HealthLimits, 'staleAfter' | 'stalledAfter'>>;

/** Takes a step per member. @param tracked what the tracker says @param now milliseconds */
export function swarmFigures(
  swarm: Swarm,
  tracked: TrackerCounts | undefined,
  now: number,
  times: Times,
): SwarmFigures {
  const { transfer, copies, size } = swarm;
  const completions: number[] = [];
  const durations: number[] = [];
  const figures = { whole: 0, partial: 0, stalled: 0, downRate: 0, solePieces: 0 };
  let secondsLeft: number | undefined = 0;
  let soleHolder: string | undefined;
  let slowest: string | undefined;
  let longest = -1;
  let announced = 0;
  for (const member of swarm.members.values()) {
    const stale = isStale(member, now, times);
    const rate = stale ? 0 : member.down.value;
    figures.downRate += rate;
    if (isStalled(member, now, times)) figures.stalled++;
    if (member.announced && !stale) announced++;
    const sole = copies.sole(member.slot);
    if (sole > figures.solePieces) {
      figures.solePieces = sole;
      soleHolder = member.node.name;
    }
    if (member.partial) {
      figures.partial++;
      continue;
    }
    const have = swarm.have(member);
    completions.push(have / size);
    if (have === size) figures.whole++;
    else if (rate === 0) secondsLeft = undefined;
    else if (secondsLeft !== undefined) secondsLeft = Math.max(secondsLeft, (size - have) / rate);
    const took = durationOf(member, have, size, rate, now);
    if (took !== undefined) durations.push(took);
    if (took !== undefined && have < size && took > longest) {
      longest = took;
      slowest = member.node.name;
    }
  }
  completions.sort(ascending);
  const came = transfer.received + transfer.duplicate + transfer.wasted;
  return {
    infoHash: swarm.infoHash,
    name: swarm.name,
    size,
    pieces: swarm.pieces,
    nodes: completions.length,
    ...figures,
    availability: copies.rarest,
    distributedCopies: copies.distributed,
    piecesByCopies: copies.grouped,
    completion: {
      min: completions[0] ?? 0,
      p10: percentile(completions, 10),
      p50: percentile(completions, 50),
      p90: percentile(completions, 90),
    },
    secondsLeft,
    stragglerRatio: stragglerRatio(durations),
    slowest,
    seederAmplification: swarm.originSent / size,
    duplicateRatio: came === 0 ? 0 : transfer.duplicate / came,
    wasteRatio: came === 0 ? 0 : transfer.wasted / came,
    spreadSeconds: swarm.spread.seconds(),
    bytesAcrossZones: swarm.acrossZones,
    bytesBetweenNodes: swarm.betweenNodes,
    received: transfer.received,
    sent: transfer.sent,
    failedPieces: transfer.failed,
    soleHolder,
    warnings: swarm.warnings.list(now),
    tracker: tracked && {
      ...tracked,
      announced,
      others: Math.max(0, tracked.seeders + tracked.leechers - announced),
    },
  };
}

export function memberFigures(swarm: Swarm, member: Member, now: number, times: Times): MemberFigures {
  const { node, pieces, peers } = member;
  const stale = isStale(member, now, times);
  return {
    node: node.name,
    zone: node.zone,
    partial: member.partial,
    completion: swarm.have(member) / swarm.size,
    pieces: pieces.bytes,
    downRate: stale ? 0 : member.down.value,
    upRate: stale ? 0 : member.up.value,
    solePieces: swarm.copies.sole(member.slot),
    stalled: isStalled(member, now, times),
    silentSeconds: (now - node.heardAt) / 1000,
    announced: member.announced,
    peers,
  };
}

/** The value that so many percent of all do not exceed: always one of them. @param sorted ascending */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent * sorted.length) / 100) - 1)] ?? 0;
}

export function isStale({ node }: Member, now: number, { staleAfter }: Times): boolean {
  return now - node.heardAt > staleAfter;
}

export function isStalled(member: Member, now: number, times: Times): boolean {
  return member.stalledMs >= times.stalledAfter && !isStale(member, now, times);
}

/** Milliseconds that a node took or will take, at the least; undefined for one that had all of it when it came. */
function durationOf(
  { since, startedWhole, wholeAt }: Member,
  have: number,
  size: number,
  rate: number,
  now: number,
): number | undefined {
  if (startedWhole) return undefined;
  if (wholeAt !== undefined) return wholeAt - since;
  return now - since + (rate === 0 ? 0 : ((size - have) / rate) * 1000);
}

function stragglerRatio(durations: number[]): number {
  if (durations.length < 2) return 0;
  durations.sort(ascending);
  const median = percentile(durations, 50);
  return median === 0 ? 0 : durations.at(-1)! / median;
}

function ascending(a: number, b: number): number {
  return a - b;
}
