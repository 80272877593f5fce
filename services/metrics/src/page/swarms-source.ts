import type { Swarm, SwarmHealth } from '@pixtorrent/swarm-health';
import type { SwarmLine, SwarmsMessage } from '../../page/messages.d.ts';
import { type EventSource, event } from './event-feed.ts';
import { swarmLine } from './swarm-line.ts';

/** Looks after which what depends on the time alone is told too. */
const LOOKS = 8;

interface Told {
  readonly swarm: Swarm;
  readonly version: number;
  readonly looks: number;
}

/** The list of all swarms. */
export class SwarmsSource implements EventSource {
  readonly #health: SwarmHealth;
  readonly #told = new Map<string, Told>();
  #looks = 0;

  constructor(health: SwarmHealth) {
    this.#health = health;
  }

  whole(): string {
    const swarms = Array.from(this.#health.swarms.values(), (swarm) => this.#line(swarm));
    return event('swarms', { whole: true, swarms, gone: [] } satisfies SwarmsMessage);
  }

  changes(): string | undefined {
    const looks = ++this.#looks;
    const swarms: SwarmLine[] = [];
    for (const [key, swarm] of this.#health.swarms) {
      const told = this.#told.get(key);
      const { version } = swarm;
      if (told?.swarm === swarm && told.version === version && looks - told.looks < LOOKS) continue;
      this.#told.set(key, { swarm, version, looks });
      swarms.push(this.#line(swarm));
    }
    const gone = [...this.#told.keys()].filter((key) => !this.#health.swarms.has(key));
    for (const key of gone) this.#told.delete(key);
    if (swarms.length === 0 && gone.length === 0) return undefined;
    return event('swarms', { whole: false, swarms, gone } satisfies SwarmsMessage);
  }

  #line(swarm: Swarm): SwarmLine {
    return swarmLine(this.#health.figures(swarm));
  }
}
