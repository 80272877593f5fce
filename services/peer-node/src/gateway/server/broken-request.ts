import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

/** Of errors of the parser; everything else is 400. */
const STATUSES: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
const DETAILS: Readonly<Record<number, string>> = {
  400: 'this is no HTTP request',
  408: 'the headers did not come in time',
  431: 'all headers together are too large',
};

/** Answers what is no request, and closes the connection. @returns the status */
export function answerBroken({ code }: NodeJS.ErrnoException, socket: Socket): number {
  const status = STATUSES[code ?? ''] ?? 400;
  // After a part of an answer another would be taken for its rest.
  if (code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return status;
  }
  const title = STATUS_CODES[status]!;
  const body = JSON.stringify({ type: 'about:blank', title, status, detail: DETAILS[status] });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nconnection: close\r\ncache-control: no-store\r\n` +
      `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return status;
}
