import {
  type handleUnaryCall,
  Metadata,
  type ServerUnaryCall,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { type Logger, printable } from '@pixtorrent/core';
import { DETAILS_TRAILER, encodeRichStatus, messageFor } from './rich-status.ts';
import { StatusError } from './status-error.ts';

/** Says how what a handler threw is to be told to the caller; undefined where it is not known. */
export type ErrorMapper = (error: unknown) => StatusError | undefined;

/**
 * How a call ends because of `error`: a `StatusError` as it stands, another one as `mapError` has it, anything else as
 * INTERNAL without a word of what it was. For a stream: `call.emit('error', toServiceError(error, mapError))`.
 */
export function toServiceError(error: unknown, mapError?: ErrorMapper): Partial<StatusObject> {
  const known = error instanceof StatusError ? error : mapError?.(error);
  if (known === undefined) return { code: status.INTERNAL, details: 'the service has a fault' };
  const code = status[known.code];
  const details = messageFor(known.message);
  const metadata = new Metadata();
  const { fields, retryAfter } = known.details;
  if (fields !== undefined || retryAfter !== undefined)
    metadata.set(DETAILS_TRAILER, encodeRichStatus(code, details, known.details));
  return { code, details, metadata };
}

/** A mapper that logs what `mapError` does not know: a fault of ours. */
export function loggingFaults(logger: Logger, mapError?: ErrorMapper): ErrorMapper {
  return (error) => {
    const known = mapError?.(error);
    if (known === undefined)
      logger.error('call failed', {
        reason: printable(String(error)),
        stack: error instanceof Error ? error.stack : undefined,
      });
    return known;
  };
}

/** Milliseconds that a caller waits at the most, whatever deadline it named. */
const LONGEST_CALL = 30_000;

/** A handler for grpc-js of a function that fulfils or throws. */
export function unary<Request, Response>(
  handle: (request: Request, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
  mapError?: ErrorMapper,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    let answered = false;
    const once = (answer: () => void): void => {
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      answer();
    };
    const fail = (error: unknown): void => once(() => callback(toServiceError(error, mapError)));
    const timer = setTimeout(
      () => fail(new StatusError('DEADLINE_EXCEEDED', 'the service took too long')),
      LONGEST_CALL,
    );
    // Started in a promise, so that what it throws at once goes the same way.
    Promise.resolve()
      .then(() => handle(call.request, call))
      .then((response) => once(() => callback(null, response)), fail);
  };
}
