import { toHex } from '@pixtorrent/core';
import type { Metrics } from '@pixtorrent/service-kit';
import type { SwarmHealth } from '@pixtorrent/swarm-health';
import type { Links } from './links.ts';
import { addSeries } from './series.ts';
import { labelsOf, type RankedSwarms } from './top-swarms.ts';

/** What stands for the links of a swarm that are not told of one by one. */
const OTHERS = { from: 'others', to: 'others' } as const;

/** Who sends to whom in the top swarms. */
export function addLinkSeries(
  metrics: Metrics,
  health: SwarmHealth,
  swarms: () => RankedSwarms,
  links: Links,
): void {
  addSeries(
    metrics,
    {
      type: 'counter',
      name: 'pixtorrent_swarm_link_bytes_total',
      help: 'Bytes that a node got from another, and what went by links that are not told one by one',
    },
    () => {
      const { top } = swarms();
      const told = links.told(
        top.map(({ infoHash }) => toHex(infoHash)),
        (name) => health.swarms.has(name),
      );
      return top.flatMap((figures) => {
        const labels = labelsOf(figures);
        const own = told.get(labels.info_hash);
        return [
          { sharedLabels: { ...labels, ...OTHERS }, value: own?.others ?? 0 },
          ...(own?.links ?? []).map(({ from, to, bytes }) => ({
            sharedLabels: { ...labels, from, to },
            value: bytes,
          })),
        ];
      });
    },
  );
}
