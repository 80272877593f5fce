import { ID_LENGTH } from '@pixtorrent/core';
import { IPV4_LENGTH, IPV6_LENGTH, PeerTrait } from '@pixtorrent/tracker-protocol';
import type { PeerAnnounce, StoredPeer } from '../peer-store.ts';

/** Bytes of a zone or a node; what is longer is cut. */
const MAX_LABEL = 63;
/** Bytes of an identity beside zone and node. */
const IDENTITY_LENGTH = ID_LENGTH + 3;
const ROLES = { leecher: 0, seed: 1, gone: 2 } as const;
const NO_EXPONENT = 255;

/** How many records are asked for beside those that are wanted: the asker, and some that have its peer ID. */
const SPARE = 4;

/** What goes with a call. */
export interface Sending {
  /** Milliseconds. */
  readonly timeToLive: number;
  /** 32 bits. */
  readonly random: number;
  /** When, by Redis's milliseconds; 0 for unknown. */
  readonly sent: number;
}

/** An announce as `ANNOUNCE` takes it. */
export function packAnnounce(announce: PeerAnnounce, { timeToLive, random, sent }: Sending): Buffer {
  const { numWant, stalledWith, zone, node } = announce;
  const labelled = zone !== '' || node !== '';
  const head = 23;
  const bytes = Buffer.allocUnsafe(head + peerLength(announce));
  bytes[0] = ROLES[announce.role];
  bytes[1] = (announce.completed ? 1 : 0) | (announce.families === 'both' ? 2 : 0);
  bytes.writeUInt16LE(numWant === 0 ? 0 : Math.min(0xffff, numWant + SPARE + (stalledWith?.size ?? 0)), 2);
  bytes.writeUInt16LE(labelled && stalledWith === undefined && numWant > 1 ? nearOf(numWant) + 1 : 0, 4);
  bytes.writeUInt32LE(random, 6);
  bytes.writeUInt32LE(timeToLive, 10);
  bytes.writeDoubleLE(sent, 14);
  return bytes.subarray(0, packPeer(announce, bytes, head - 1));
}

/** What `RESTORE` takes before the peers. */
export function packSending({ timeToLive, random, sent }: Sending): Buffer {
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeUInt32LE(timeToLive, 0);
  bytes.writeUInt32LE(random, 4);
  bytes.writeDoubleLE(sent, 8);
  return bytes;
}

/** What `SINCE` takes. @param since by Redis's milliseconds @param timeToLive milliseconds @param limit of changes */
export function packSince(since: number, timeToLive: number, limit: number): Buffer {
  const bytes = Buffer.allocUnsafe(14);
  bytes.writeDoubleLE(since, 0);
  bytes.writeUInt32LE(timeToLive, 8);
  bytes.writeUInt16LE(limit, 12);
  return bytes;
}

/** A peer as `RESTORE` takes it. */
export function packStored(peer: StoredPeer): Buffer {
  const head = 18;
  const bytes = Buffer.allocUnsafe(head + peerLength(peer));
  bytes.writeDoubleLE(peer.age, 0);
  bytes.writeDoubleLE(peer.heard ?? 0, 8);
  bytes[16] = ROLES[peer.role];
  return bytes.subarray(0, packPeer(peer, bytes, head - 1));
}

/** How many peers of an answer may be near. */
export function nearOf(numWant: number): number {
  return numWant >> 1;
}

type Peer = Pick<PeerAnnounce, 'peerId' | 'address' | 'port' | 'role' | 'left' | 'zone' | 'node' | 'pixwire'>;

/** At least as many bytes as it takes. */
function peerLength({ address }: Peer): number {
  if (address.length !== IPV4_LENGTH && address.length !== IPV6_LENGTH)
    throw new RangeError(`an address of ${address.length} bytes`);
  return address.length + 2 + IDENTITY_LENGTH + 2 * MAX_LABEL;
}

/** Length of the endpoint, endpoint, identity. @returns where it ends */
function packPeer(peer: Peer, bytes: Buffer, start: number): number {
  const { address, port, zone, node } = peer;
  const identity = start + 1 + address.length + 2;
  bytes[start] = address.length + 2;
  bytes.set(address, start + 1);
  bytes.writeUInt16BE(port, identity - 2);
  bytes.set(peer.peerId, identity);
  const seed = peer.role === 'seed';
  bytes[identity + 20] = (seed ? PeerTrait.seed : 0) | (peer.pixwire ? PeerTrait.pixwire : 0);
  bytes[identity + 21] = seed ? NO_EXPONENT : exponentOf(peer.left);
  const labels = identity + IDENTITY_LENGTH;
  const zoneLength = zone === '' ? 0 : bytes.write(zone, labels, MAX_LABEL, 'utf8');
  bytes[identity + 22] = zoneLength;
  const end = labels + zoneLength;
  return end + (node === '' ? 0 : bytes.write(node, end, MAX_LABEL, 'utf8'));
}

function exponentOf(left: number): number {
  if (left < 1) return NO_EXPONENT;
  const high = Math.floor(left / 2 ** 32);
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(left);
}
