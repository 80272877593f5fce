import type { ServerResponse } from 'node:http';
import type { Metrics } from '@pixtorrent/service-kit';
import type { SwarmHealth } from '@pixtorrent/swarm-health';
import { EventClient } from './event-client.ts';
import { EventFeed, type EventFeedDependencies } from './event-feed.ts';
import { SwarmSource } from './swarm-source.ts';
import { SwarmsSource } from './swarms-source.ts';

export interface EventFeedsDependencies extends EventFeedDependencies {
  readonly health: SwarmHealth;
  readonly metrics: Metrics;
}

/** Readers at the same time. */
const MOST_CLIENTS = 100;

/** Everybody who is told by server-sent events: of all swarms, or of one each. */
export class EventFeeds {
  readonly #deps: EventFeedsDependencies;
  /** By the name of the swarm; empty for the list of all. Those that somebody reads. */
  readonly #feeds = new Map<string, EventFeed>();
  readonly #turnedAway = { full: 0, slow: 0 };

  constructor(dependencies: EventFeedsDependencies) {
    this.#deps = dependencies;
    const { metrics } = dependencies;
    metrics.gauge({
      name: 'pages',
      help: 'Readers of server-sent events',
      collect: (own) => own.set(this.clients),
    });
    metrics.counter({
      name: 'pages_turned_away_total',
      help: 'Readers of server-sent events beyond those that are served, and those that did not read',
      labels: ['reason'],
      read: () => Object.entries(this.#turnedAway).map(([reason, count]) => ({ labels: { reason }, count })),
    });
  }

  get clients(): number {
    let sum = 0;
    for (const feed of this.#feeds.values()) sum += feed.clients;
    return sum;
  }

  /** @param swarm name or info hash; undefined for the list of all @returns false where there are too many */
  accept(response: ServerResponse, swarm: string | undefined): boolean {
    if (this.clients >= MOST_CLIENTS) {
      this.#turnedAway.full++;
      return false;
    }
    const key = swarm ?? '';
    const feed = this.#feeds.get(key) ?? this.#open(key);
    const client = new EventClient(response);
    response.once('close', () => {
      feed.delete(client);
      if (feed.clients === 0 && this.#feeds.get(key) === feed) this.#feeds.delete(key);
    });
    feed.add(client);
    return true;
  }

  #open(key: string): EventFeed {
    const { health } = this.#deps;
    const source = key === '' ? new SwarmsSource(health) : new SwarmSource(health, key);
    const feed = new EventFeed(this.#deps, source, (client) => {
      this.#turnedAway.slow++;
      client.end();
    });
    this.#feeds.set(key, feed);
    return feed;
  }
}
