import type { Clock } from '@pixtorrent/core';
import type { Metrics } from '@pixtorrent/service-kit';
import type { Swarm, SwarmHealth } from '@pixtorrent/swarm-health';

/** Milliseconds that a delivery may take beside what its size does. */
const GRACE = 60_000;

type Result = 'in_time' | 'late';
type Member = Swarm['members'] extends ReadonlyMap<string, infer M> ? M : never;

/**
 * Deliveries: nodes that lacked something of a torrent when they were heard of, and are to have all of it. Each counts
 * once, when it is whole, or when its time is over.
 */
export class Deliveries {
  readonly #health: SwarmHealth;
  readonly #clock: Clock;
  readonly #rate: number;
  readonly #counted = new WeakSet<Member>();
  readonly #counts: Record<Result, number> = { in_time: 0, late: 0 };

  /** @param rate bytes a second at which content is to come, when a minute is taken off */
  constructor(health: SwarmHealth, clock: Clock, rate: number) {
    this.#health = health;
    this.#clock = clock;
    this.#rate = rate;
  }

  /** As far as has been decided. Takes a step per node of each swarm. */
  read(): Readonly<Record<Result, number>> {
    const now = this.#clock.now();
    for (const swarm of this.#health.swarms.values()) {
      const target = GRACE + (swarm.size / this.#rate) * 1000;
      for (const member of swarm.members.values()) {
        if (member.startedWhole || member.partial || this.#counted.has(member)) continue;
        const isLate = (member.wholeAt ?? now) - member.since > target;
        if (!isLate && member.wholeAt === undefined) continue;
        this.#counted.add(member);
        this.#counts[isLate ? 'late' : 'in_time']++;
      }
    }
    return this.#counts;
  }
}

export function addDeliveryMetrics(metrics: Metrics, deliveries: Deliveries): void {
  metrics.counter({
    name: 'deliveries_total',
    help: 'Nodes that were to get a torrent, by whether they had it within the target for its size',
    labels: ['result'],
    read: () => Object.entries(deliveries.read()).map(([result, count]) => ({ labels: { result }, count })),
  });
}
