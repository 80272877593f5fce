import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Problem } from '@pixtorrent/service-kit';
import type { RequestTarget } from './request-target.ts';

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: RequestTarget;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Has a client that asks first (`Expect: 100-continue`) send its body. To be called before the body is read. */
  continue(): void;
}

/** What a server does with some of its requests. */
export interface HttpRoute {
  readonly methods: readonly string[];
  /** The first segments of the paths that it serves. */
  readonly prefix: readonly string[];
  /** Answers, or throws before it has begun to. Whoever reads a body sees to its bounds and deadlines. */
  handle(exchange: Exchange): Promise<void>;
  /** @returns undefined for an error that is none of the client's business: a fault of this program */
  problemOf(error: unknown): Problem | undefined;
}
