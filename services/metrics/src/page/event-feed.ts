import type { Clock, Timer, Timers } from '@pixtorrent/core';
import type { EventClient } from './event-client.ts';

/** What a feed tells. An event is text as it goes out. */
export interface EventSource {
  /** All there is, as it was when changes were asked for last. */
  whole(): string;
  /** What has changed since this was asked before; undefined where nothing has. */
  changes(): string | undefined;
}

export interface EventFeedDependencies {
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Milliseconds between two looks. */
const INTERVAL = 500;

/** Tells all readers of one thing of it: looks once for all of them, and writes the same to each. */
export class EventFeed {
  readonly #deps: EventFeedDependencies;
  readonly #source: EventSource;
  readonly #onSlow: (client: EventClient) => void;
  readonly #clients = new Set<EventClient>();
  #timer: Timer | undefined;

  constructor(
    dependencies: EventFeedDependencies,
    source: EventSource,
    onSlow: (client: EventClient) => void,
  ) {
    this.#deps = dependencies;
    this.#source = source;
    this.#onSlow = onSlow;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** It is told all there is at the next look: of what came and went between two, the source would not say that it went. */
  add(client: EventClient): void {
    this.#clients.add(client);
    if (this.#clients.size === 1) this.#look();
  }

  delete(client: EventClient): void {
    this.#clients.delete(client);
    if (this.#clients.size === 0) this.#timer?.cancel();
  }

  #look(): void {
    const { clock, timers } = this.#deps;
    this.#timer = timers.after(INTERVAL, () => this.#look());
    const now = clock.now();
    const change = this.#source.changes();
    let all: string | undefined;
    const whole = (): string => {
      all ??= this.#source.whole();
      return all;
    };
    for (const client of this.#clients) if (!client.tell(change, whole, now)) this.#onSlow(client);
  }
}

/** @param data nothing that JSON cannot say */
export function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
