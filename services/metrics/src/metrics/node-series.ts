import { toHex } from '@pixtorrent/core';
import type { Metrics } from '@pixtorrent/service-kit';
import type { MemberFigures, SwarmHealth } from '@pixtorrent/swarm-health';
import { fairShares } from './fair-shares.ts';
import { addSeries } from './series.ts';
import { labelsOf, oncePerScrape, type RankedSwarms, type SwarmLabels } from './top-swarms.ts';

interface NodeOfSwarm {
  readonly labels: SwarmLabels & { readonly node: string };
  readonly figures: MemberFigures;
}

/** How it is with nodes of the top swarms, `most` altogether: those that lack something come first. */
export function addNodeSeries(
  metrics: Metrics,
  health: SwarmHealth,
  swarms: () => RankedSwarms,
  most: number,
): void {
  const nodes = oncePerScrape(() => chosenNodes(health, swarms(), most));
  const gauge = (name: string, help: string, read: (figures: MemberFigures) => number): void => {
    addSeries(metrics, { type: 'gauge', name: `pixtorrent_swarm_node_${name}`, help }, () =>
      nodes().map(({ labels, figures }) => ({ sharedLabels: labels, value: read(figures) })),
    );
  };
  gauge('completion_ratio', 'Part of the content that a node has', ({ completion }) => completion);
  gauge('download_bytes_per_second', 'What a node gets', ({ downRate }) => downRate);
  gauge('upload_bytes_per_second', 'What a node sends', ({ upRate }) => upRate);
}

function chosenNodes(health: SwarmHealth, { top }: RankedSwarms, most: number): NodeOfSwarm[] {
  const swarms = top.map((figures) => {
    const swarm = health.swarms.get(toHex(figures.infoHash))!;
    const members = [...swarm.members.values()].sort(
      (a, b) => a.pieces.count - b.pieces.count || b.down.value + b.up.value - (a.down.value + a.up.value),
    );
    const lacking = members.findIndex(({ pieces }) => pieces.complete);
    return { swarm, labels: labelsOf(figures), members, lacking: lacking < 0 ? members.length : lacking };
  });
  const lacking = fairShares(
    swarms.map((swarm) => swarm.lacking),
    most,
  );
  const rest = fairShares(
    swarms.map((swarm) => swarm.members.length - swarm.lacking),
    most - lacking.reduce((sum, share) => sum + share, 0),
  );
  return swarms.flatMap(({ swarm, labels, members, lacking: all }, n) =>
    [...members.slice(0, lacking[n]), ...members.slice(all, all + rest[n]!)].map((member) => ({
      labels: { ...labels, node: member.node.name },
      figures: health.member(swarm, member),
    })),
  );
}
