import { type Encodable, encode } from '@pixtorrent/bencode';
import { ID_LENGTH, type InfoHash } from '@pixtorrent/core';
import type { ScrapeEntry } from './announce.ts';
import type { PackedPeers } from './compact-peers.ts';
import { formatIp, IPV4_LENGTH, IPV6_LENGTH } from './ip-address.ts';

/** What a tracker answers to an announce. Times are seconds. */
export interface AnnounceAnswer {
  readonly interval: number;
  readonly minInterval: number;
  readonly seeders: number;
  readonly leechers: number;
  readonly peers: PackedPeers;
  /** For people, in ASCII. */
  readonly warning?: string;
}

/**
 * Writes an announce answer with compact lists (BEP 23); `peers6` (BEP 7) only where there are such peers.
 * @param headOf what is to stand before the body in the same memory, by the body's length; ASCII
 */
export function encodeCompactAnswer(
  answer: AnnounceAnswer,
  headOf: (bodyLength: number) => string = nothing,
): Buffer {
  const { warning } = answer;
  const { v4, v6 } = answer.peers;
  const start =
    `d8:completei${answer.seeders}e10:incompletei${answer.leechers}e8:intervali${answer.interval}e` +
    `12:min intervali${answer.minInterval}e5:peers${v4.length}:`;
  const middle = v6.length === 0 ? '' : `6:peers6${v6.length}:`;
  const end = warning === undefined ? 'e' : `15:warning message${warning.length}:${warning}e`;
  const length = start.length + v4.length + middle.length + v6.length + end.length;
  const head = headOf(length) + start;
  const bytes = Buffer.allocUnsafe(head.length + length - start.length);
  let at = bytes.write(head, 0, 'latin1');
  bytes.set(v4, at);
  at += v4.length;
  if (v6.length > 0) {
    at += bytes.write(middle, at, 'latin1');
    bytes.set(v6, at);
    at += v6.length;
  }
  if (warning === undefined) bytes[at] = END;
  else bytes.write(end, at, 'latin1');
  return bytes;
}

/** `e`; a string of one byte is as dear to write as one of a hundred. */
const END = 0x65;

function nothing(): string {
  return '';
}

/** Writes an announce answer with a list of dictionaries (BEP 3); peer IDs only where `answer` has them. */
export function encodeDictionaryAnswer(answer: AnnounceAnswer): Uint8Array {
  const { v4, v6, ids } = answer.peers;
  const peers: Encodable[] = [];
  const add = (bytes: Uint8Array, addressLength: 4 | 16) => {
    const stride = addressLength + 2;
    for (let at = 0; at + stride <= bytes.length; at += stride) {
      const id = ids.subarray(peers.length * ID_LENGTH, (peers.length + 1) * ID_LENGTH);
      peers.push({
        ip: formatIp(bytes, at, addressLength),
        port: (bytes[at + addressLength]! << 8) | bytes[at + addressLength + 1]!,
        'peer id': id.length === ID_LENGTH ? id : undefined,
      });
    }
  };
  add(v4, IPV4_LENGTH);
  add(v6, IPV6_LENGTH);
  return encode({
    complete: answer.seeders,
    incomplete: answer.leechers,
    interval: answer.interval,
    'min interval': answer.minInterval,
    peers,
    'warning message': answer.warning,
  });
}

/**
 * Writes the answer of a tracker that says no; `reason` is for people.
 * @param retryIn when to ask again (BEP 31): minutes, or `never`
 */
export function encodeFailure(reason: string, retryIn?: number | 'never'): Uint8Array {
  return encode({ 'failure reason': reason, 'retry in': retryIn });
}

/** Writes a scrape answer (BEP 48): `entries` in the order of `infoHashes`, undefined for what is not known. */
export function encodeScrapeAnswer(
  infoHashes: readonly InfoHash[],
  entries: readonly (ScrapeEntry | undefined)[],
): Uint8Array {
  const files = new Map<string, Encodable>();
  infoHashes.forEach((hash, i) => {
    const entry = entries[i];
    if (entry === undefined) return;
    files.set(Buffer.from(hash).toString('latin1'), {
      complete: entry.seeders,
      downloaded: entry.completed,
      incomplete: entry.leechers,
    });
  });
  return encode({ files });
}
