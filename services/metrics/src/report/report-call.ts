import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { metrics as wire } from '@pixtorrent/contracts';
import type { Timer, Timers } from '@pixtorrent/core';
import { type ErrorMapper, StatusError, toServiceError } from '@pixtorrent/service-kit';
import {
  type NodeReport,
  ReportError,
  type ReportErrorCode,
  type ReportStream,
} from '@pixtorrent/swarm-health';
import { type ReadReport, reportOf } from './report-messages.ts';

export type WireReportCall = ServerDuplexStream<wire.ReportRequest, wire.ReportResponse>;

export interface ReportCallDependencies {
  readonly call: WireReportCall;
  readonly stream: ReportStream;
  /** Told of each report that was taken in, and of when it was sent: milliseconds since 1970 by the node's clock. */
  readonly taken: (report: NodeReport, sentMs: number) => void;
  readonly timers: Timers;
  readonly mapError: ErrorMapper;
}

/** Milliseconds without a report after which a stream has ended, whatever the connection says. */
const SILENCE = 60_000;

/** One stream of reports. The next is read when the answer to the one before has gone out. */
export class ReportCall {
  readonly #deps: ReportCallDependencies;
  readonly #over = Promise.withResolvers<ReportErrorCode | undefined>();
  #sequence = 0;
  #silence: Timer | undefined;
  #isOver = false;

  constructor(dependencies: ReportCallDependencies) {
    this.#deps = dependencies;
  }

  /** Fulfilled when the stream is over, with what it was refused for, if it was. */
  run(): Promise<ReportErrorCode | undefined> {
    const { call } = this.#deps;
    call.on('data', (request: ReadReport) => {
      if (this.#isOver) return;
      call.pause();
      try {
        this.#receive(request, () => call.resume());
      } catch (error) {
        this.#fail(error);
      }
    });
    call.once('end', () => this.#end());
    call.once('cancelled', () => this.#end());
    // The stream ends by a status that it makes of the error; there is nothing to add.
    call.on('error', () => {});
    if (call.cancelled) this.#end();
    else this.#listen();
    return this.#over.promise;
  }

  /** Tells the node to report elsewhere, after so many milliseconds, and ends. */
  goAway(goAwayAfterMs: number): void {
    if (this.#isOver) return;
    this.#deps.call.write({ sequence: this.#sequence, unknown: [], all: false, goAwayAfterMs });
    this.#end();
  }

  #receive(request: ReadReport, done: () => void): void {
    this.#listen();
    if (request instanceof ReportError) throw request;
    const { call, stream, taken } = this.#deps;
    const report = reportOf(request);
    const { sequence, unknown, all } = stream.receive(report);
    taken(report, request.sentMs);
    this.#sequence = sequence;
    call.write({ sequence, unknown: unknown as Buffer[], all, goAwayAfterMs: undefined }, done);
  }

  #listen(): void {
    this.#silence?.cancel();
    this.#silence = this.#deps.timers.after(SILENCE, () =>
      this.#fail(new StatusError('DEADLINE_EXCEEDED', `nothing was reported for ${SILENCE} ms`)),
    );
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const { call, mapError } = this.#deps;
    this.#finish(error instanceof ReportError ? error.code : undefined);
    call.emit('error', toServiceError(error, mapError));
  }

  #end(): void {
    if (this.#isOver) return;
    this.#finish(undefined);
    this.#deps.call.end();
  }

  #finish(refusal: ReportErrorCode | undefined): void {
    this.#isOver = true;
    this.#silence?.cancel();
    this.#over.resolve(refusal);
  }
}
