import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { cluster } from '@pixtorrent/contracts';
import type { Timer, Timers } from '@pixtorrent/core';
import { KeptStream, type KeptStreamDependencies, type StreamProgress } from '@pixtorrent/service-kit';
import type { TrackerLink } from './tracker-link.ts';

export interface RegistrationDependencies extends KeptStreamDependencies {
  readonly link: TrackerLink;
  readonly timers: Timers;
  /** This node as it is now. */
  readonly node: () => cluster.Node;
}

/** Milliseconds between two messages at least: what changes meanwhile goes together. */
const SHORTEST_PERIOD = 1000;
/** Milliseconds for which a message is good where nothing else was said. */
const GOOD_FOR = 15_000;
/** Milliseconds for a farewell to be heard. */
const FAREWELL = 2000;

type Stream = ClientDuplexStream<cluster.RegisterRequest, cluster.RegisterResponse>;

/** Keeps this node known to the others: says how it is, again when that changes, and when it leaves. */
export class Registration {
  readonly #deps: RegistrationDependencies;
  readonly #kept: KeptStream;
  #stream: Stream | undefined;
  #goodFor = GOOD_FOR;
  #timer: Timer | undefined;
  #dueAt = 0;
  #saidAt = Number.NEGATIVE_INFINITY;
  #first = Promise.withResolvers<void>();

  constructor(dependencies: RegistrationDependencies) {
    this.#deps = dependencies;
    this.#kept = new KeptStream('registration', (progress) => this.#open(progress), dependencies);
  }

  /** Whether the service has taken the node in, and the stream is open. */
  get registered(): boolean {
    return this.#kept.working;
  }

  /** Fulfilled when it has been taken in for the first time. */
  whenRegistered(): Promise<void> {
    return this.#first.promise;
  }

  /** Something of the node has changed. May be called at any time. */
  changed(): void {
    this.#sayWithin(Math.max(0, this.#saidAt + SHORTEST_PERIOD - performance.now()));
  }

  /** What others have to know at once has changed. */
  changedMuch(): void {
    this.#sayWithin(0);
  }

  /** Tells the service that the node leaves, and ends; fulfilled when it has been heard, or after 2 s. */
  async leave(): Promise<void> {
    const stream = this.#stream;
    if (stream !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = this.#deps.timers.after(FAREWELL, resolve);
      stream.once('close', resolve).once('end', resolve);
      stream.write({ node: this.#deps.node(), leaving: true });
      stream.end();
      await promise;
      timer.cancel();
    }
    this.close();
  }

  close(): void {
    this.#timer?.cancel();
    this.#kept.close();
  }

  #open(progress: StreamProgress) {
    const client = this.#deps.link.cluster;
    const stream: Stream = client.register();
    this.#stream = stream;
    stream.on('data', ({ goodForMs, goAwayAfterMs }: cluster.RegisterResponse) => {
      if (goAwayAfterMs !== undefined) {
        stream.end();
        over('the service is going away', goAwayAfterMs);
        return;
      }
      this.#goodFor = Math.max(1000, goodForMs);
      progress.works();
      this.#first.resolve();
      this.#sayWithin(this.#goodFor / 3);
    });
    const over = (reason: string, waitMs?: number): void => {
      if (this.#stream === stream) this.#stream = undefined;
      this.#deps.link.next(client);
      progress.ended(reason, waitMs);
    };
    stream.on('error', (error) => over(error.message));
    stream.on('end', () => over('the service ended it'));
    this.#say();
    return { close: () => stream.cancel() };
  }

  /** Says how the node is in so many milliseconds, or earlier where that was planned. */
  #sayWithin(delay: number): void {
    const at = performance.now() + delay;
    if (this.#timer !== undefined && this.#dueAt <= at) return;
    this.#timer?.cancel();
    this.#dueAt = at;
    this.#timer = this.#deps.timers.after(delay, () => {
      this.#timer = undefined;
      this.#say();
    });
  }

  #say(): void {
    if (this.#stream === undefined) return;
    this.#saidAt = performance.now();
    this.#stream.write({ node: this.#deps.node(), leaving: false });
  }
}
