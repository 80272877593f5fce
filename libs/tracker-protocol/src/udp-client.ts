import { type InfoHash, printable } from '@pixtorrent/core';
import type { AnnounceRequest, AnnounceResponse, ScrapeEntry, TrackerPeer } from './announce.ts';
import { readCompactPeers } from './compact-peers.ts';
import { TrackerError } from './errors.ts';
import { clampInterval } from './interval.ts';
import { IPV4_LENGTH, parseIp } from './ip-address.ts';
import {
  type ConnectionId,
  UDP_ANNOUNCE_LENGTH,
  UDP_EVENTS,
  UDP_MAGIC,
  UDP_MAX_SCRAPE,
  UDP_MAX_URL,
  UdpAction,
  UdpOption,
  viewOf,
} from './udp-packets.ts';

/** What a UDP tracker sends, still to be matched by its transaction. */
export type UdpAnswer =
  | { readonly type: 'connect'; readonly transaction: number; readonly connection: ConnectionId }
  | { readonly type: 'announce'; readonly transaction: number; readonly response: AnnounceResponse }
  | { readonly type: 'scrape'; readonly transaction: number; readonly entries: readonly ScrapeEntry[] }
  | { readonly type: 'error'; readonly transaction: number; readonly error: TrackerError };

/** @param transaction 32 bits, chosen at random: a forged answer has to guess it */
export function encodeUdpConnect(transaction: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  view.setBigUint64(0, UDP_MAGIC);
  view.setUint32(8, UdpAction.connect);
  view.setUint32(12, transaction);
  return bytes;
}

/**
 * @param urlData path and query of the tracker's URL (BEP 41), up to `UDP_MAX_URL` characters, where they say something:
 * an announce key, say
 */
export function encodeUdpAnnounce(
  connection: ConnectionId,
  transaction: number,
  request: AnnounceRequest,
  urlData = '',
): Uint8Array {
  const options = urlOptions(urlData.slice(0, UDP_MAX_URL));
  const bytes = new Uint8Array(UDP_ANNOUNCE_LENGTH + options.length);
  bytes.set(options, UDP_ANNOUNCE_LENGTH);
  const view = viewOf(bytes);
  writeHead(view, connection, UdpAction.announce, transaction);
  bytes.set(request.infoHash, 16);
  bytes.set(request.peerId, 36);
  view.setBigUint64(56, BigInt(request.downloaded));
  view.setBigUint64(64, BigInt(request.left));
  view.setBigUint64(72, BigInt(request.uploaded));
  view.setUint32(80, UDP_EVENTS.indexOf(request.event));
  const ip = request.ip === undefined ? undefined : parseIp(request.ip);
  if (ip?.length === IPV4_LENGTH) bytes.set(ip, 84);
  view.setUint32(88, request.key ?? 0);
  view.setInt32(92, request.numWant ?? -1);
  view.setUint16(96, request.port);
  return bytes;
}

/** @throws RangeError for more than `UDP_MAX_SCRAPE` torrents */
export function encodeUdpScrape(
  connection: ConnectionId,
  transaction: number,
  infoHashes: readonly InfoHash[],
): Uint8Array {
  if (infoHashes.length > UDP_MAX_SCRAPE) throw new RangeError(`${infoHashes.length} torrents in one scrape`);
  const bytes = new Uint8Array(16 + 20 * infoHashes.length);
  writeHead(viewOf(bytes), connection, UdpAction.scrape, transaction);
  infoHashes.forEach((hash, i) => {
    bytes.set(hash, 16 + 20 * i);
  });
  return bytes;
}

/**
 * Reads what came from a UDP tracker.
 * @param addressLength of the peers in an announce answer: 4 where the tracker is asked over IPv4, else 16
 * @returns undefined for what is no answer at all
 */
export function parseUdpAnswer(packet: Uint8Array, addressLength: 4 | 16): UdpAnswer | undefined {
  if (packet.length < 8) return undefined;
  const view = viewOf(packet);
  const transaction = view.getUint32(4);
  switch (view.getUint32(0)) {
    case UdpAction.connect:
      if (packet.length < 16) return undefined;
      return { type: 'connect', transaction, connection: view.getBigUint64(8) };
    case UdpAction.announce:
      if (packet.length < 20) return undefined;
      return { type: 'announce', transaction, response: readAnnounce(packet, view, addressLength) };
    case UdpAction.scrape:
      return { type: 'scrape', transaction, entries: readScrape(view) };
    case UdpAction.error: {
      const text = Buffer.from(packet.buffer, packet.byteOffset + 8, packet.length - 8).toString('utf8');
      const error = new TrackerError('refused', printable(text) || 'the tracker gave no reason');
      return { type: 'error', transaction, error };
    }
    default:
      return undefined;
  }
}

/** One option for each 255 bytes. */
function urlOptions(urlData: string): Uint8Array {
  const url = Buffer.from(urlData, 'latin1');
  const parts: Uint8Array[] = [];
  for (let at = 0; at < url.length; at += 255) {
    const part = url.subarray(at, at + 255);
    parts.push(Uint8Array.of(UdpOption.urlData, part.length), part);
  }
  return Buffer.concat(parts);
}

function writeHead(view: DataView, connection: ConnectionId, action: number, transaction: number): void {
  view.setBigUint64(0, connection);
  view.setUint32(8, action);
  view.setUint32(12, transaction);
}

function readAnnounce(packet: Uint8Array, view: DataView, addressLength: 4 | 16): AnnounceResponse {
  const peers: TrackerPeer[] = [];
  readCompactPeers(packet.subarray(20), addressLength, peers);
  return {
    interval: clampInterval(view.getInt32(8)),
    leechers: view.getUint32(12),
    seeders: view.getUint32(16),
    peers,
  };
}

function readScrape(view: DataView): ScrapeEntry[] {
  const entries: ScrapeEntry[] = [];
  for (let at = 8; at + 12 <= view.byteLength && entries.length < UDP_MAX_SCRAPE; at += 12) {
    entries.push({
      seeders: view.getUint32(at),
      completed: view.getUint32(at + 4),
      leechers: view.getUint32(at + 8),
    });
  }
  return entries;
}
