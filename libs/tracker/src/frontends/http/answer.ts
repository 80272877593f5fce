import type { ServerResponse } from 'node:http';
import { encodeFailure } from '@pixtorrent/tracker-protocol';

/** Sends bencode, which trackers have always called plain text. */
export function sendBencode(response: ServerResponse, body: Uint8Array, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
  response.end(body);
}

/** Says no in the way that clients show to their users: status 200 and a reason (BEP 3). */
export function sendFailure(response: ServerResponse, reason: string, status = 200): void {
  sendBencode(response, encodeFailure(reason), status);
}

export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
