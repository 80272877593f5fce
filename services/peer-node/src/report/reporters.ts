import type { Random, Timer } from '@pixtorrent/core';
import { Announcements } from './announcements.ts';
import { type Lookup, type Replica, Replicas } from './replicas.ts';
import { Reporter, type ReporterDependencies, type ReporterOptions } from './reporter.ts';

export interface ReportersDependencies extends Omit<ReporterDependencies, 'announcements'> {
  readonly random: Random;
  readonly lookup: Lookup;
}

export interface ReportersOptions extends Omit<ReporterOptions, 'replica'> {
  /** Names of the metrics service, each of which may stand for several replicas. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
}

/** Replicas that are reported to: what goes on is told to each of them. */
const MOST_REPLICAS = 8;
/** Milliseconds between two looks at which replicas there are, and while none is known. */
const PERIOD = 10_000;
const SOON = 2000;

/**
 * Reports this node to every replica of the metrics service: each sees everything, by a stream of its own, and is told
 * all of it when it comes. None waits for another.
 */
export class Reporters {
  readonly #deps: ReportersDependencies;
  readonly #options: ReportersOptions;
  readonly #replicas: Replicas;
  readonly #announcements: Announcements;
  /** By address and port. */
  readonly #reporters = new Map<string, Reporter>();
  #timer: Timer | undefined;
  #closed = false;
  /** Messages to replicas that are no more. */
  #countBefore = 0;

  constructor(dependencies: ReportersDependencies, options: ReportersOptions) {
    this.#deps = dependencies;
    this.#options = options;
    this.#announcements = new Announcements(dependencies.node.torrents);
    this.#replicas = new Replicas(options.addresses, dependencies.lookup);
    this.#look();
  }

  /** Replicas that are reported to, and those of them that take it in. */
  get replicas(): number {
    return this.#reporters.size;
  }

  get working(): number {
    let working = 0;
    for (const reporter of this.#reporters.values()) if (reporter.working) working++;
    return working;
  }

  /** Messages that were sent. */
  get count(): number {
    let count = this.#countBefore;
    for (const reporter of this.#reporters.values()) count += reporter.count;
    return count;
  }

  /** Reports the last to all, and that nothing is here any more; fulfilled when they have heard it, or after 2 s. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#announcements.close();
    await Promise.all(Array.from(this.#reporters.values(), (reporter) => reporter.close()));
  }

  async #look(): Promise<void> {
    const replicas = await this.#replicas.look();
    if (this.#closed) return;
    this.#follow(new Map(replicas.map((one) => [`${one.address} ${one.port}`, one])));
    // Nodes that started together do not ask the resolver together for ever.
    const period = this.#reporters.size === 0 ? SOON : PERIOD;
    const delay = period / 2 + this.#deps.random.below(period);
    this.#timer = this.#deps.timers.after(delay, () => {
      if (this.#reporters.size > 0 && this.working === 0) this.#replicas.tryOthers();
      this.#look();
    });
  }

  #follow(replicas: ReadonlyMap<string, Replica>): void {
    for (const [key, reporter] of this.#reporters) {
      // One that is not named for the moment, since it is not ready for one, still is to see everything.
      if (replicas.has(key) || reporter.working) continue;
      this.#reporters.delete(key);
      this.#countBefore += reporter.count;
      reporter.close();
    }
    for (const [key, replica] of replicas)
      if (!this.#reporters.has(key) && this.#reporters.size < MOST_REPLICAS)
        this.#reporters.set(
          key,
          new Reporter({ ...this.#deps, announcements: this.#announcements }, { ...this.#options, replica }),
        );
  }
}
