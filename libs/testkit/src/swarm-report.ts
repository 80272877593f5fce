import { createHash } from 'node:crypto';
import type { TorrentShape } from '@pixtorrent/peer-protocol';
import type { SimulatedNode } from './simulated-node.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface NodeReport {
  readonly name: string;
  /** It had everything from the start, and gives it as it is. */
  readonly seeder: boolean;
  /** It downloads with a real engine. */
  readonly leecher: boolean;
  /** Bytes per second. */
  readonly downlink: number;
  /** Milliseconds from its joining to its last piece. */
  readonly finished: number | undefined;
  readonly payloadSent: number;
  readonly payloadReceived: number;
  /** Payload that the engine refused as it came in. */
  readonly payloadDropped: number;
  /** As the engine itself reports it. */
  readonly wasted: number;
  readonly failedPieces: number;
  readonly bans: readonly { readonly key: string; readonly cause: string }[];
  readonly peakPieces: number;
  /** SHA-1 over all that this node sent and received, with times. */
  readonly trace: string;
}

export interface SwarmReport {
  /** Virtual milliseconds at the end. */
  readonly time: number;
  readonly events: number;
  readonly contentLength: number;
  readonly nodes: readonly NodeReport[];
  /** Leechers that joined, stayed and never finished. */
  readonly unfinished: number;
  /** Milliseconds from joining to the last piece, over the leechers that finished. */
  readonly first: number;
  readonly median: number;
  readonly last: number;
  /** Payload sent by the seeders per content length. */
  readonly seederAmplification: number;
  /** Payload received by leechers beyond the content, per content length that they finished. */
  readonly duplicateRatio: number;
  readonly bans: number;
  /** SHA-1 over the traces of all nodes. */
  readonly trace: string;
}

export function reportOn(
  nodes: readonly SimulatedNode[],
  shape: TorrentShape,
  time: VirtualTime,
): SwarmReport {
  const reports = nodes.map(reportOnNode);
  const trace = createHash('sha1');
  for (const report of reports) trace.update(report.trace);
  const leechers = reports.filter((node) => node.leecher);
  const finishes = leechers
    .flatMap((node) => (node.finished === undefined ? [] : [node.finished]))
    .sort((a, b) => a - b);
  const done = leechers.filter((node) => node.finished !== undefined);
  const received = sum(done, (node) => node.payloadReceived);
  return {
    time: time.now(),
    events: time.events,
    contentLength: shape.length,
    nodes: reports,
    unfinished: nodes.filter((node) => node.expected && node.joined && node.finishedAt === undefined).length,
    first: finishes[0] ?? Number.NaN,
    median: finishes[finishes.length >> 1] ?? Number.NaN,
    last: finishes.at(-1) ?? Number.NaN,
    seederAmplification: sum(reports, (node) => (node.seeder ? node.payloadSent : 0)) / shape.length,
    duplicateRatio: done.length === 0 ? 0 : received / (done.length * shape.length) - 1,
    bans: sum(reports, (node) => node.bans.length),
    trace: trace.digest('hex'),
  };
}

function reportOnNode(node: SimulatedNode): NodeReport {
  const { have, pieces } = node.options;
  const genuine = node.torrent !== undefined && pieces?.corrupts === undefined;
  return {
    name: node.host.name,
    seeder: genuine && have === 'all',
    leecher: node.torrent !== undefined && have !== 'all',
    downlink: node.host.downlink,
    finished: node.finishedAt === undefined ? undefined : node.finishedAt - (node.options.joinAt ?? 0),
    payloadSent: node.payloadSent,
    payloadReceived: node.payloadReceived,
    payloadDropped: node.payloadDropped,
    wasted: node.wasted,
    failedPieces: node.failedPieces,
    bans: node.bans,
    peakPieces: node.pieces.peakSlots,
    trace: node.trace.digest(),
  };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += value(item);
  return total;
}
