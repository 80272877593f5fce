import { printable } from '@pixtorrent/core';
import type { FieldViolation, StatusDetails } from './status-error.ts';

/** Where gRPC clients look for a google.rpc.Status. */
export const DETAILS_TRAILER = 'grpc-status-details-bin';

/** Bytes of a message: three times that where each is escaped, and again among the details. */
const MAX_MESSAGE = 600;
/** Bytes of all fields that are named. Many clients refuse more than 8 KiB of trailers: so it stays below, in base64 too. */
const MAX_FIELDS = 3000;
const MAX_NAME = 128;
const MAX_DESCRIPTION = 256;

/** Text for a caller: printable, and short enough for a trailer. */
export function messageFor(text: string): string {
  return shortened(text, MAX_MESSAGE);
}

/**
 * A google.rpc.Status with google.rpc.BadRequest and google.rpc.RetryInfo as `details` has them. Written by hand:
 * seven fields of five messages that will not change.
 */
export function encodeRichStatus(code: number, message: string, details: StatusDetails): Buffer {
  const { fields = [], retryAfter } = details;
  const parts = [varintField(1, BigInt(code)), bytesField(2, Buffer.from(message))];
  if (fields.length > 0) parts.push(anyField('google.rpc.BadRequest', encodeBadRequest(fields)));
  if (retryAfter !== undefined) parts.push(anyField('google.rpc.RetryInfo', encodeRetryInfo(retryAfter)));
  return Buffer.concat(parts);
}

function encodeBadRequest(fields: readonly FieldViolation[]): Buffer {
  const violations: Buffer[] = [];
  let room = MAX_FIELDS;
  for (const { field, description } of fields) {
    const name = bytesField(1, Buffer.from(shortened(field, MAX_NAME)));
    const text = bytesField(2, Buffer.from(shortened(description, MAX_DESCRIPTION)));
    const violation = bytesField(1, Buffer.concat([name, text]));
    room -= violation.length;
    if (room < 0) break;
    violations.push(violation);
  }
  return Buffer.concat(violations);
}

/** Printable, and at most `limit` bytes of UTF-8. */
function shortened(text: string, limit: number): string {
  let short = printable(text, limit);
  while (Buffer.byteLength(short) > limit) short = printable(short, Math.floor(short.length * 0.9));
  return short;
}

function encodeRetryInfo(milliseconds: number): Buffer {
  const whole = Math.max(0, Math.ceil(milliseconds));
  const seconds = varintField(1, BigInt(Math.floor(whole / 1000)));
  return bytesField(1, Buffer.concat([seconds, varintField(2, BigInt((whole % 1000) * 1e6))]));
}

/** A google.protobuf.Any in field 3. */
function anyField(type: string, value: Buffer): Buffer {
  const url = bytesField(1, Buffer.from(`type.googleapis.com/${type}`));
  return bytesField(3, Buffer.concat([url, bytesField(2, value)]));
}

function bytesField(number: number, value: Buffer): Buffer {
  return Buffer.concat([varint(BigInt((number << 3) | 2)), varint(BigInt(value.length)), value]);
}

function varintField(number: number, value: bigint): Buffer {
  return Buffer.concat([varint(BigInt(number << 3)), varint(value)]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
