import type { Metrics } from '@pixtorrent/service-kit';
import { COPY_GROUPS, type SwarmFigures } from '@pixtorrent/swarm-health';
import { addSeries, type Sample } from './series.ts';
import { labelsOf, type RankedSwarms } from './top-swarms.ts';

/** What stands for the swarms that are not told of one by one. */
const OTHERS = { info_hash: '', name: 'others' } as const;
const SHARES = ['0.1', '0.5', '0.9', '0.99'] as const;

type Read = (figures: SwarmFigures) => number | undefined;

/** The health of swarms: of the top ones each, of the others together where a sum says something. */
export function addSwarmMetrics(metrics: Metrics, swarms: () => RankedSwarms): void {
  const own = new SwarmMetrics(metrics, swarms);
  own.sum('nodes', 'Nodes that are to have all of it', ({ nodes }) => nodes);
  own.sum('whole_nodes', 'Those of them that have', ({ whole }) => whole);
  own.sum('partial_nodes', 'Nodes that get only what is read of it', ({ partial }) => partial);
  own.sum('stalled_nodes', 'Nodes that want data and get none', ({ stalled }) => stalled);
  own.sum('download_bytes_per_second', 'What all nodes get, together', ({ downRate }) => downRate);
  own.each('size_bytes', 'Of the content', ({ size }) => size);
  own.each('pieces', 'Of the content', ({ pieces }) => pieces);
  own.each('availability_copies', 'Copies of the rarest piece', ({ availability }) => availability);
  own.each(
    'distributed_copies',
    'Whole copies, and the part of the pieces that have one more',
    (all) => all.distributedCopies,
  );
  own.each(
    'sole_pieces',
    'Pieces that would be lost with one node, of the node with most',
    (all) => all.solePieces,
  );
  own.each(
    'remaining_seconds',
    'Until the last node is whole, at the rates of now',
    (all) => all.secondsLeft,
  );
  own.each(
    'straggler_ratio',
    'Time of the slowest node over that of the median',
    (all) => all.stragglerRatio,
  );
  own.each(
    'seeder_amplification_ratio',
    'Bytes that first seeders sent over those of the content',
    (all) => all.seederAmplification,
  );
  own.each('duplicate_ratio', 'Part of what came that was there already', (all) => all.duplicateRatio);
  own.each('waste_ratio', 'Part of what came that nobody waited for', (all) => all.wasteRatio);
  own.by(
    'completion_ratio',
    'Part of the content that nodes have: the least, and percentiles of nodes',
    'quantile',
    ({ completion: { min, p10, p50, p90 } }) => ({ '0': min, '0.1': p10, '0.5': p50, '0.9': p90 }),
  );
  own.by(
    'pieces_by_copies',
    `Pieces with so many copies, or up to the next of ${COPY_GROUPS.join(', ')}`,
    'copies',
    ({ piecesByCopies }) => Object.fromEntries(piecesByCopies.map((count, n) => [COPY_GROUPS[n]!, count])),
  );
  own.by(
    'sole_holder_pieces',
    'Pieces that would be lost with the node that has most of such',
    'node',
    ({ soleHolder, solePieces }) => (soleHolder === undefined ? {} : { [soleHolder]: solePieces }),
  );
  own.by(
    'spread_seconds',
    'From the first node that had a piece until a share of nodes had it, the median over pieces',
    'share',
    ({ spreadSeconds }) => Object.fromEntries(spreadSeconds.map((seconds, n) => [SHARES[n]!, seconds])),
  );
  own.by(
    'tracker_peers',
    'Peers that the tracker knows',
    'role',
    ({ tracker }): Record<string, number> =>
      tracker === undefined ? {} : { seeder: tracker.seeders, leecher: tracker.leechers },
  );
  own.each(
    'announced_nodes',
    'Nodes that report, and that a tracker has taken in',
    (all) => all.tracker?.announced,
  );
  own.each('other_peers', 'Peers that the tracker knows beside these', (all) => all.tracker?.others);
  own.each(
    'tracker_completed',
    'Peers that have told the tracker that they became whole',
    (all) => all.tracker?.completed,
  );
  own.count('received_bytes_total', 'Bytes that came', ({ received }) => received);
  own.count('sent_bytes_total', 'Bytes that were sent', ({ sent }) => sent);
  own.count('between_nodes_bytes_total', 'Bytes between nodes that report', (all) => all.bytesBetweenNodes);
  own.count('across_zones_bytes_total', 'Those of them between zones', (all) => all.bytesAcrossZones);
  own.count('failed_pieces_total', 'Pieces whose hash was wrong', ({ failedPieces }) => failedPieces);
}

class SwarmMetrics {
  readonly #metrics: Metrics;
  readonly #read: () => RankedSwarms;

  constructor(metrics: Metrics, read: () => RankedSwarms) {
    this.#metrics = metrics;
    this.#read = read;
  }

  /** A gauge of each, and the sum of the others. */
  sum(name: string, help: string, value: Read): void {
    this.#gauge(name, help, value, true);
  }

  /** A gauge of each: added up it would say nothing. */
  each(name: string, help: string, value: Read): void {
    this.#gauge(name, help, value, false);
  }

  /** Several gauges of each, told apart by a label. */
  by(
    name: string,
    help: string,
    label: string,
    values: (figures: SwarmFigures) => Record<string, number>,
  ): void {
    this.#add('gauge', name, help, ({ top }) =>
      top.flatMap((figures) =>
        Object.entries(values(figures)).map(([key, value]) => ({
          sharedLabels: { ...labelsOf(figures), [label]: key },
          value,
        })),
      ),
    );
  }

  /** Of each: who is among the others changes, and their sum would go back. `node_bytes_total` has all of them. */
  count(name: string, help: string, value: (figures: SwarmFigures) => number): void {
    this.#add('counter', name, help, ({ top }) => samplesOf(top, value));
  }

  #gauge(name: string, help: string, value: Read, summed: boolean): void {
    this.#add('gauge', name, help, ({ top, others }) => {
      const samples = samplesOf(top, value);
      if (!summed) return samples;
      const sum = others.reduce((all, figures) => all + (value(figures) ?? 0), 0);
      return [...samples, { sharedLabels: OTHERS, value: sum }];
    });
  }

  #add(
    type: 'gauge' | 'counter',
    name: string,
    help: string,
    samples: (swarms: RankedSwarms) => readonly Sample[],
  ): void {
    addSeries(this.#metrics, { type, name: `pixtorrent_swarm_${name}`, help }, () => samples(this.#read()));
  }
}

function samplesOf(swarms: readonly SwarmFigures[], read: Read): Sample[] {
  const samples: Sample[] = [];
  for (const figures of swarms) {
    const value = read(figures);
    if (value !== undefined) samples.push({ sharedLabels: labelsOf(figures), value });
  }
  return samples;
}
