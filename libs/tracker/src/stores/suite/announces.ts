import { infoHash, peerId } from '@pixtorrent/core';
import { formatIp, parseIp } from '@pixtorrent/tracker-protocol';
import type { PeerStoreSuiteOptions, PeerStoreUnderTest } from '../peer-store.suite.ts';
import type { PeerAnnounce, PeerSelection, StoredPeer } from '../peer-store.ts';

/** Milliseconds. */
export const TIME_TO_LIVE = 1000;

/** Not in their order, which is that of unsigned bytes. */
export const HASHES = [0x90, 0x01, 0x7f].map((fill) => infoHash(new Uint8Array(20).fill(fill)));
export const HASH = HASHES[0]!;

/** An announce by small numbers. */
export interface Change extends Omit<PeerAnnounce, 'infoHash' | 'peerId' | 'address' | 'port'> {
  readonly peer: number;
  readonly swarm: number;
  readonly family: 4 | 6;
}

export function announceOf(change: Partial<Change> & { peer: number }): PeerAnnounce {
  const { peer, swarm = 0, family = 4, ...rest } = change;
  const id = Buffer.from('-XX0000-000000000000', 'latin1');
  id.writeUInt32BE(peer, 16);
  return {
    infoHash: HASHES[swarm]!,
    peerId: peerId(id),
    address: parseIp(addressOf(peer, family))!,
    port: 6881,
    role: 'leecher',
    left: 1,
    completed: false,
    zone: '',
    node: '',
    pixwire: false,
    numWant: 50,
    families: 'both',
    details: false,
    ...rest,
  };
}

export function storedOf(change: Partial<Change> & { peer: number }, age: number): StoredPeer {
  const { infoHash, peerId, address, port, role, left, zone, node, pixwire } = announceOf(change);
  return { infoHash, peerId, address, port, role, left, zone, node, pixwire, age };
}

export function addressOf(peer: number, family: 4 | 6): string {
  return family === 4 ? `10.0.${peer >>> 8}.${peer & 255}` : `2001:db8::1:${(peer + 1).toString(16)}`;
}

/** A peer's endpoint as `stalledWith` has it. */
export function compactOf(peer: number, family: 4 | 6): string {
  const { address, port } = announceOf({ peer, family });
  return Buffer.from([...address, port >>> 8, port & 0xff]).toString('latin1');
}

export function hostOf({ address }: Pick<PeerAnnounce, 'address'>): string {
  return formatIp(address, 0, address.length as 4 | 16);
}

/** The addresses that were handed out, in the order of their details. */
export function hostsOf({ peers }: PeerSelection): string[] {
  const hosts: string[] = [];
  for (let at = 0; at < peers.v4.length; at += 6) hosts.push(formatIp(peers.v4, at, 4));
  for (let at = 0; at < peers.v6.length; at += 18) hosts.push(formatIp(peers.v6, at, 16));
  return hosts;
}

/** Makes a store, and closes it when `body` is done with it. */
export async function withStore(
  { make }: PeerStoreSuiteOptions,
  body: (made: PeerStoreUnderTest) => Promise<void>,
  timeToLive = TIME_TO_LIVE,
): Promise<void> {
  const made = await make({ timeToLive });
  try {
    await body(made);
  } finally {
    await made.store.close();
  }
}
