import { isIPv6 } from 'node:net';
import { type ChannelCredentials, type ClientDuplexStream, type ServiceError, status } from '@grpc/grpc-js';
import { metrics as wire } from '@pixtorrent/contracts';
import type { Clock, Timer } from '@pixtorrent/core';
import { KeptStream, type KeptStreamDependencies, type StreamProgress } from '@pixtorrent/service-kit';
import type { Announcements } from './announcements.ts';
import { NodeReport, type ReportBody, type ReportedNode } from './node-report.ts';
import type { Replica } from './replicas.ts';

export interface ReporterDependencies extends KeptStreamDependencies {
  readonly node: ReportedNode;
  readonly announcements: Announcements;
  readonly credentials: ChannelCredentials;
  readonly clock: Clock;
  /** Tells milliseconds since 1970. */
  readonly wallClock: Clock;
}

export interface ReporterOptions {
  /** Of the metrics service. */
  readonly replica: Replica;
  /** What this node is called, and where it runs. */
  readonly name: string;
  readonly zone: string;
}

/** Milliseconds between two reports. */
const PERIOD = 2000;
/** And where a torrent begins: its first pieces are soon there. */
const EARLIEST = 250;
/** Milliseconds for a farewell to be heard. */
const FAREWELL = 2000;
/** Milliseconds. */
const KEEP_ALIVE = 20_000;
/** Before a stream begins again that another of the same name has taken the place of: two would take turns for ever. */
const REPLACED = 60_000;

type Stream = ClientDuplexStream<wire.ReportRequest, wire.ReportResponse>;

/**
 * Reports this node to one replica of the metrics service. No message waits for a service that is away or slow: what there is to tell is
 * what has changed since the last, and all of it where the stream is a new one.
 */
export class Reporter {
  readonly #deps: ReporterDependencies;
  readonly #options: ReporterOptions;
  readonly #client: wire.MetricsServiceClient;
  readonly #report: NodeReport;
  readonly #kept: KeptStream;
  #stream: Stream | undefined;
  #sequence = 0;
  /** Messages that have not gone out. */
  #pending = 0;
  #timer: Timer | undefined;
  #dueAt = 0;
  #count = 0;

  constructor(dependencies: ReporterDependencies, options: ReporterOptions) {
    this.#deps = dependencies;
    this.#options = options;
    const { address, port, host } = options.replica;
    const target = `${isIPv6(address) ? `[${address}]` : address}:${port}`;
    this.#client = new wire.MetricsServiceClient(target, dependencies.credentials, {
      'grpc.keepalive_time_ms': KEEP_ALIVE,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 5000,
      // The certificate names what was looked up, not the address that came of it.
      ...(host !== address && { 'grpc.ssl_target_name_override': host, 'grpc.default_authority': host }),
    });
    this.#report = new NodeReport(dependencies.node, dependencies.announcements, () =>
      this.#tellWithin(EARLIEST),
    );
    const logger = dependencies.logger.child({ replica: target });
    this.#kept = new KeptStream('reports', (progress) => this.#open(progress), { ...dependencies, logger });
    this.#tellWithin(PERIOD);
  }

  /** Whether the service takes in what is reported. */
  get working(): boolean {
    return this.#kept.working;
  }

  /** Messages that were sent. */
  get count(): number {
    return this.#count;
  }

  /** Reports the last, and that nothing is here any more; fulfilled when that has been heard, or after 2 s. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    const stream = this.#stream;
    if (stream !== undefined && this.working) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = this.#deps.timers.after(FAREWELL, resolve);
      stream.once('close', resolve).once('end', resolve);
      this.#tell();
      this.#write(stream, this.#report.farewell());
      stream.end();
      await promise;
      timer.cancel();
    }
    this.#kept.close();
    this.#report.close();
    this.#client.close();
  }

  /** Reports in so many milliseconds, or earlier where that was planned. */
  #tellWithin(delay: number): void {
    const at = this.#deps.clock.now() + delay;
    if (this.#timer !== undefined && this.#dueAt <= at) return;
    this.#timer?.cancel();
    this.#dueAt = at;
    this.#timer = this.#deps.timers.after(delay, () => {
      this.#timer = undefined;
      this.#tell();
      this.#tellWithin(PERIOD);
    });
  }

  #tell(): void {
    const stream = this.#stream;
    this.#report.look(this.#deps.clock.now());
    if (stream === undefined || this.#pending > 0) return;
    for (const body of this.#report.reports()) this.#write(stream, body);
  }

  #write(stream: Stream, body: ReportBody): void {
    const { name: node, zone } = this.#options;
    this.#pending++;
    this.#count++;
    const sentMs = Math.round(this.#deps.wallClock.now());
    stream.write({ node, zone, sequence: ++this.#sequence, sentMs, ...body }, () => {
      if (this.#stream === stream) this.#pending--;
    });
  }

  #open(progress: StreamProgress) {
    const stream: Stream = this.#client.report();
    this.#stream = stream;
    this.#sequence = 0;
    this.#pending = 0;
    const over = (reason: string, waitMs?: number): void => {
      if (this.#stream === stream) this.#stream = undefined;
      progress.ended(reason, waitMs);
    };
    stream.on('data', ({ unknown, all, goAwayAfterMs }: wire.ReportResponse) => {
      progress.works();
      this.#report.forget(unknown);
      if (all) this.#report.forgetAll();
      if (goAwayAfterMs === undefined) return;
      stream.end();
      over('the service is going away', goAwayAfterMs);
    });
    stream.on('error', (error: ServiceError) =>
      over(error.message, error.code === status.ABORTED ? REPLACED : undefined),
    );
    stream.on('end', () => over('the service ended it'));
    // What was sent on the stream before may not have been heard.
    this.#report.forgetAll();
    this.#tell();
    return { close: () => stream.cancel() };
  }
}
