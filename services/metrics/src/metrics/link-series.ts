import { toHex } from '@pixtorrent/core';
import type { Metrics } from '@pixtorrent/service-kit';
import type { SwarmHealth } from '@pixtorrent/swarm-health';
import { Counter } from 'prom-client';
import type { Links } from './links.ts';
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
  new Counter({
    name: 'pixtorrent_swarm_link_bytes_total',
    help: 'Bytes that a node got from another, and what went by links that are not told one by one',
    labelNames: ['info_hash', 'name', 'from', 'to'],
    registers: [metrics.registry],
    collect() {
      this.reset();
      const { top } = swarms();
      const told = links.told(
        top.map(({ infoHash }) => toHex(infoHash)),
        (name) => health.swarms.has(name),
      );
      for (const figures of top) {
        const labels = labelsOf(figures);
        const own = told.get(labels.info_hash);
        this.inc({ ...labels, ...OTHERS }, own?.others ?? 0);
        for (const { from, to, bytes } of own?.links ?? []) this.inc({ ...labels, from, to }, bytes);
      }
    },
  });
}
