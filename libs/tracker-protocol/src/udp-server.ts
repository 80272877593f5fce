import { type InfoHash, infoHash, peerId } from '@pixtorrent/core';
import type { AnnounceEvent, AnnounceRequest, ScrapeEntry } from './announce.ts';
import type { AnnounceAnswer } from './http-answer.ts';
import { formatIp, IPV4_LENGTH } from './ip-address.ts';
import {
  type ConnectionId,
  UDP_ANNOUNCE_LENGTH,
  UDP_EVENTS,
  UDP_MAGIC,
  UDP_MAX_SCRAPE,
  UdpAction,
  viewOf,
} from './udp-packets.ts';

/** What a UDP tracker is asked. The connection ID is still to be checked. */
export type UdpRequest =
  | { readonly type: 'connect'; readonly transaction: number }
  | {
      readonly type: 'announce';
      readonly transaction: number;
      readonly connection: ConnectionId;
      readonly request: AnnounceRequest;
    }
  | {
      readonly type: 'scrape';
      readonly transaction: number;
      readonly connection: ConnectionId;
      readonly infoHashes: readonly InfoHash[];
    };

/**
 * Reads a packet to a UDP tracker (BEP 15). Options after an announce (BEP 41) are passed over.
 * @returns undefined for what is no request: such a packet gets no answer, which could hit a forged sender
 */
export function parseUdpRequest(packet: Uint8Array): UdpRequest | undefined {
  if (packet.length < 16) return undefined;
  const view = viewOf(packet);
  const connection = view.getBigUint64(0);
  const transaction = view.getUint32(12);
  switch (view.getUint32(8)) {
    case UdpAction.connect:
      return connection === UDP_MAGIC ? { type: 'connect', transaction } : undefined;
    case UdpAction.announce: {
      const request = packet.length < UDP_ANNOUNCE_LENGTH ? undefined : readAnnounce(packet, view);
      return request && { type: 'announce', transaction, connection, request };
    }
    case UdpAction.scrape: {
      const count = (packet.length - 16) / 20;
      if (!Number.isInteger(count) || count < 1 || count > UDP_MAX_SCRAPE) return undefined;
      const infoHashes = Array.from({ length: count }, (_, i) =>
        infoHash(packet.subarray(16 + 20 * i, 36 + 20 * i)),
      );
      return { type: 'scrape', transaction, connection, infoHashes };
    }
    default:
      return undefined;
  }
}

export function encodeUdpConnectAnswer(transaction: number, connection: ConnectionId): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  view.setUint32(0, UdpAction.connect);
  view.setUint32(4, transaction);
  view.setBigUint64(8, connection);
  return bytes;
}

/** @param addressLength the asker's own family: an answer carries peers of that one only (BEP 15) */
export function encodeUdpAnnounceAnswer(
  transaction: number,
  answer: AnnounceAnswer,
  addressLength: 4 | 16,
): Uint8Array {
  const peers = addressLength === IPV4_LENGTH ? answer.peers.v4 : answer.peers.v6;
  const bytes = new Uint8Array(20 + peers.length);
  const view = viewOf(bytes);
  view.setUint32(0, UdpAction.announce);
  view.setUint32(4, transaction);
  view.setUint32(8, answer.interval);
  view.setUint32(12, answer.leechers);
  view.setUint32(16, answer.seeders);
  bytes.set(peers, 20);
  return bytes;
}

/** BEP 15 has no way to say that a torrent is not known: undefined goes out as zeros. */
export function encodeUdpScrapeAnswer(
  transaction: number,
  entries: readonly (ScrapeEntry | undefined)[],
): Uint8Array {
  const bytes = new Uint8Array(8 + 12 * entries.length);
  const view = viewOf(bytes);
  view.setUint32(0, UdpAction.scrape);
  view.setUint32(4, transaction);
  entries.forEach((entry, i) => {
    view.setUint32(8 + 12 * i, entry?.seeders ?? 0);
    view.setUint32(12 + 12 * i, entry?.completed ?? 0);
    view.setUint32(16 + 12 * i, entry?.leechers ?? 0);
  });
  return bytes;
}

export function encodeUdpError(transaction: number, reason: string): Uint8Array {
  const text = Buffer.from(reason, 'utf8');
  const bytes = new Uint8Array(8 + text.length);
  const view = viewOf(bytes);
  view.setUint32(0, UdpAction.error);
  view.setUint32(4, transaction);
  bytes.set(text, 8);
  return bytes;
}

function readAnnounce(packet: Uint8Array, view: DataView): AnnounceRequest | undefined {
  const event = view.getUint32(80);
  const port = view.getUint16(96);
  if (event >= UDP_EVENTS.length || port === 0) return undefined;
  const name: AnnounceEvent | undefined = UDP_EVENTS[event];
  const numWant = view.getInt32(92);
  return {
    infoHash: infoHash(packet.subarray(16, 36)),
    peerId: peerId(packet.subarray(36, 56)),
    port,
    downloaded: Number(view.getBigUint64(56)),
    left: Number(view.getBigUint64(64)),
    uploaded: Number(view.getBigUint64(72)),
    key: view.getUint32(88),
    ...(name !== undefined && { event: name }),
    ...(numWant >= 0 && { numWant }),
    ...(view.getUint32(84) !== 0 && { ip: formatIp(packet, 84, IPV4_LENGTH) }),
  };
}
