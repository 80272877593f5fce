import { ID_LENGTH, type InfoHash, type PeerId } from '@pixtorrent/core';
import type { AnnounceRequest, ScrapeEntry } from './announce.ts';
import { COMPACT_V4_LENGTH, COMPACT_V6_LENGTH } from './compact-peers.ts';
import type { AnnounceAnswer } from './http-answer.ts';
import { formatIp, IPV4_LENGTH } from './ip-address.ts';
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

/** What a UDP tracker is asked. The connection ID is still to be checked. */
export type UdpRequest =
  | { readonly type: 'connect'; readonly transaction: number }
  | {
      readonly type: 'announce';
      readonly transaction: number;
      readonly connection: ConnectionId;
      readonly request: AnnounceRequest;
      /** Path and query of the tracker's URL as the asker has it (BEP 41). */
      readonly urlData?: string | undefined;
    }
  | {
      readonly type: 'scrape';
      readonly transaction: number;
      readonly connection: ConnectionId;
      readonly infoHashes: readonly InfoHash[];
    };

const UINT32 = 2 ** 32;
/** Bytes of peers that go into one Ethernet frame, behind the headers of IP, UDP and the answer. */
const MOST_V4 = fitting(1500 - 20 - 8 - 20, COMPACT_V4_LENGTH);
const MOST_V6 = fitting(1500 - 40 - 8 - 20, COMPACT_V6_LENGTH);

/**
 * Reads a packet to a UDP tracker (BEP 15).
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
      if (request === undefined) return undefined;
      return { type: 'announce', transaction, connection, request, urlData: readUrlData(packet) };
    }
    case UdpAction.scrape: {
      const count = (packet.length - 16) / ID_LENGTH;
      if (!Number.isInteger(count) || count < 1 || count > UDP_MAX_SCRAPE) return undefined;
      const infoHashes = Array.from(
        { length: count },
        (_, i) => idAt(packet, 16 + ID_LENGTH * i) as InfoHash,
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

/**
 * An answer of at most one packet: of more peers than fit the last are left out.
 * @param addressLength the asker's own family: an answer carries peers of that one only (BEP 15)
 */
export function encodeUdpAnnounceAnswer(
  transaction: number,
  answer: AnnounceAnswer,
  addressLength: 4 | 16,
): Uint8Array {
  const all = addressLength === IPV4_LENGTH ? answer.peers.v4 : answer.peers.v6;
  const most = addressLength === IPV4_LENGTH ? MOST_V4 : MOST_V6;
  const peers = all.length > most ? all.subarray(0, most) : all;
  const bytes = Buffer.allocUnsafe(20 + peers.length);
  bytes.writeUInt32BE(UdpAction.announce, 0);
  bytes.writeUInt32BE(transaction, 4);
  bytes.writeUInt32BE(answer.interval, 8);
  bytes.writeUInt32BE(answer.leechers, 12);
  bytes.writeUInt32BE(answer.seeders, 16);
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

function fitting(room: number, peerLength: number): number {
  return room - (room % peerLength);
}

function readAnnounce(packet: Uint8Array, view: DataView): AnnounceRequest | undefined {
  const event = view.getUint32(80);
  const port = view.getUint16(96);
  if (event >= UDP_EVENTS.length || port === 0) return undefined;
  const numWant = view.getInt32(92);
  return {
    infoHash: idAt(packet, 16) as InfoHash,
    peerId: idAt(packet, 36) as PeerId,
    port,
    downloaded: uint64(view, 56),
    left: uint64(view, 64),
    uploaded: uint64(view, 72),
    key: view.getUint32(88),
    event: UDP_EVENTS[event],
    numWant: numWant < 0 ? undefined : numWant,
    ip: view.getUint32(84) === 0 ? undefined : formatIp(packet, 84, IPV4_LENGTH),
  };
}

/** The parts of the URL that stand behind an announce, joined. What is broken ends the reading. */
function readUrlData(packet: Uint8Array): string | undefined {
  let url: string | undefined;
  for (let at = UDP_ANNOUNCE_LENGTH; at < packet.length; ) {
    const option = packet[at++];
    if (option === UdpOption.nothing) continue;
    const length = packet[at++];
    if (option !== UdpOption.urlData || length === undefined || at + length > packet.length) break;
    url ??= '';
    for (const end = at + length; at < end; at++) url += String.fromCharCode(packet[at]!);
    if (url.length > UDP_MAX_URL) break;
  }
  return url;
}

/** Past 2⁵³ the value is rounded, which is near enough for bytes of a transfer. */
function uint64(view: DataView, at: number): number {
  return view.getUint32(at) * UINT32 + view.getUint32(at + 4);
}

/** A copy: the packet's memory is not kept alive by whoever keeps an ID. */
function idAt(packet: Uint8Array, start: number): Uint8Array {
  const id = new Uint8Array(ID_LENGTH);
  for (let i = 0; i < ID_LENGTH; i++) id[i] = packet[start + i]!;
  return id;
}
