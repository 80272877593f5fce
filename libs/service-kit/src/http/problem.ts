import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http';
import { printable } from '@pixtorrent/core';

/** Why a request was not served, as RFC 9457 has it. */
export interface Problem {
  readonly status: number;
  /** What kind of problem it is, a URI. @default 'about:blank': nothing beyond the status */
  readonly type?: string;
  /** The kind in words. @default the reason phrase of the status */
  readonly title?: string;
  /** What was wrong this time, for whoever asked. */
  readonly detail?: string;
  /** More members, by names that RFC 9457 does not use. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: OutgoingHttpHeaders;
}

/** Characters of a detail. */
const LONGEST = 1000;

/**
 * Answers a request by a problem. Where a part of an answer is out already, the connection is cut instead: its end
 * would look like that of the whole.
 */
export function writeProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, type = 'about:blank', title = STATUS_CODES[status] ?? 'Error', detail, members } = problem;
  const body = { ...members, type, title, status, ...(detail && { detail: printable(detail, LONGEST) }) };
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'cache-control': 'no-store',
    // What is still to come of a request that is refused is not worth reading.
    ...(hasBodyToCome(response) && { connection: 'close' }),
    ...problem.headers,
    'content-type': 'application/problem+json',
    'content-length': bytes.length,
  });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}

function hasBodyToCome({ req: request }: ServerResponse): boolean {
  if (request.complete) return false;
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || Number(length ?? 0) > 0;
}
