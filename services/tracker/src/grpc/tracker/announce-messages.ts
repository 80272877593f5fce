import type { tracker as wire } from '@pixtorrent/contracts';
import { ID_LENGTH, type InfoHash, infoHash, peerId } from '@pixtorrent/core';
import { type FieldViolation, InvalidArgument } from '@pixtorrent/service-kit';
import type { Asking } from '@pixtorrent/tracker';
import {
  type AnnounceAnswer,
  type AnnounceEvent,
  type AnnounceRequest,
  formatIp,
  IPV4_LENGTH,
  IPV6_LENGTH,
  type PackedPeers,
  PeerTrait,
  parseIp,
} from '@pixtorrent/tracker-protocol';
import type { Caller } from './callers.ts';

/** Bytes of a zone's or a node's name. */
const MAX_LABEL = 63;
const MAX_ANNOUNCE_KEY = 256;
const MAX_PORT = 65_535;
const EVENTS: readonly (AnnounceEvent | undefined)[] = [undefined, 'started', 'completed', 'stopped'];
const UNTRUSTED_ADDRESS = 'an address is not taken from here: the peer is where the request comes from';

/** An announce as it came, checked. */
export interface Announced {
  readonly request: AnnounceRequest;
  readonly asking: Asking;
  readonly stalled: boolean;
  /** For people; empty where there is nothing to say. */
  readonly warning: string;
}

/** @throws InvalidArgument with everything that is wrong */
export function announcedBy(message: wire.AnnounceRequest, caller: Caller): Announced {
  const fields = faultsOf(message);
  const given = message.address.length > 0;
  const address = given && caller.trusted ? parsed(message.address) : caller.address;
  if (address === undefined) fields.push({ field: 'address', description: 'has to be 4 or 16 bytes' });
  if (address === undefined || fields.length > 0) throw new InvalidArgument(fields);
  const { zone, node, pixwire, announceKey, stalled, port } = message;
  return {
    request: {
      infoHash: infoHash(message.infoHash),
      peerId: peerId(message.peerId),
      port,
      ...figuresOf(message),
      ...(message.numWant !== undefined && { numWant: message.numWant }),
    },
    asking: {
      frontend: 'grpc',
      address,
      families: 'both',
      details: true,
      zone,
      node,
      pixwire,
      ...(announceKey !== '' && { announceKey }),
    },
    stalled,
    warning: given && !caller.trusted ? UNTRUSTED_ADDRESS : '',
  };
}

/** The announce of a peer that was announced before, by what it says now; peers only where they are asked for. */
export function updatedBy(message: wire.SessionUpdate, { request }: Announced): AnnounceRequest {
  if (EVENTS[message.event] === undefined && message.event !== 0)
    throw new InvalidArgument([unknownEvent('update.event')]);
  const { infoHash, peerId, port } = request;
  return { infoHash, peerId, port, ...figuresOf(message), numWant: message.numWant ?? 0 };
}

/** @returns undefined where it is none */
export function infoHashOf(bytes: Uint8Array): InfoHash | undefined {
  return bytes.length === ID_LENGTH ? infoHash(bytes) : undefined;
}

/** @param warning as in `Announced` */
export function answerMessage(answer: AnnounceAnswer, warning: string): wire.AnnounceResponse {
  const { interval, minInterval, seeders, leechers, peers } = answer;
  const warnings = [answer.warning, warning].filter(Boolean).join('; ');
  return { interval, minInterval, seeders, leechers, peers: peersOf(peers), warning: warnings };
}

function peersOf({ v4, v6, ids, traits }: PackedPeers): wire.Peer[] {
  const peers: wire.Peer[] = [];
  const add = (packed: Uint8Array, length: number): void => {
    for (let at = 0; at < packed.length; at += length + 2) {
      const n = peers.length;
      const trait = traits[n] ?? 0;
      peers.push({
        address: Buffer.from(packed.subarray(at, at + length)),
        port: (packed[at + length]! << 8) | packed[at + length + 1]!,
        peerId: Buffer.from(ids.subarray(n * ID_LENGTH, (n + 1) * ID_LENGTH)),
        pixwire: (trait & PeerTrait.pixwire) !== 0,
        seeder: (trait & PeerTrait.seed) !== 0,
      });
    }
  };
  add(v4, IPV4_LENGTH);
  add(v6, IPV6_LENGTH);
  return peers;
}

function figuresOf({ uploaded, downloaded, left, event }: wire.AnnounceRequest | wire.SessionUpdate) {
  const known = EVENTS[event];
  return { uploaded, downloaded, left, ...(known !== undefined && { event: known }) };
}

function faultsOf(message: wire.AnnounceRequest): FieldViolation[] {
  const fields: FieldViolation[] = [];
  for (const [field, { length }] of [
    ['info_hash', message.infoHash],
    ['peer_id', message.peerId],
  ] as const)
    if (length !== ID_LENGTH)
      fields.push({ field, description: `has ${length} bytes, ${ID_LENGTH} are needed` });
  if (message.port < 1 || message.port > MAX_PORT)
    fields.push({ field: 'port', description: `is ${message.port}, 1 to ${MAX_PORT} are allowed` });
  if (EVENTS[message.event] === undefined && message.event !== 0) fields.push(unknownEvent('event'));
  for (const field of ['zone', 'node'] as const) {
    const length = Buffer.byteLength(message[field]);
    if (length > MAX_LABEL)
      fields.push({ field, description: `has ${length} bytes, at most ${MAX_LABEL} are allowed` });
  }
  if (Buffer.byteLength(message.announceKey) > MAX_ANNOUNCE_KEY)
    fields.push({ field: 'announce_key', description: `is longer than ${MAX_ANNOUNCE_KEY} bytes` });
  return fields;
}

function unknownEvent(field: string): FieldViolation {
  return { field, description: 'is no event that is known here' };
}

/** One host has one form: an IPv4-mapped IPv6 address is the IPv4 address. */
function parsed(bytes: Uint8Array): Uint8Array | undefined {
  const { length } = bytes;
  return length === IPV4_LENGTH || length === IPV6_LENGTH ? parseIp(formatIp(bytes, 0, length)) : undefined;
}
