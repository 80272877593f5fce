import { ID_LENGTH, peerId } from '@pixtorrent/core';
import { PeerTrait } from '@pixtorrent/tracker-protocol';
import type { StoredPeer } from './peer-store.ts';
import type { PeerTable } from './peer-table.ts';

/** What a table knows of the peer in a slot, but for its age. */
export function memberAt(table: PeerTable, slot: number): Omit<StoredPeer, 'infoHash' | 'age'> {
  const portAt = (table.width - 1) * 4;
  const endpoint = new Uint8Array(portAt + 2);
  table.copyEndpoint(slot, endpoint, 0);
  const id = new Uint8Array(ID_LENGTH);
  table.copyId(slot, id, 0);
  return {
    peerId: peerId(id),
    address: endpoint.subarray(0, portAt),
    port: (endpoint[portAt]! << 8) | endpoint[portAt + 1]!,
    role: table.isSeed(slot) ? 'seed' : 'leecher',
    left: table.left(slot),
    zone: table.neighbourhoods?.zone(slot) ?? '',
    node: table.neighbourhoods?.node(slot) ?? '',
    pixwire: (table.traits(slot) & PeerTrait.pixwire) !== 0,
  };
}

/** The endpoints of everybody who is in a table now, in words. */
export function* endpointsOf(table: PeerTable): Generator<Int32Array> {
  const { width } = table;
  const all = table.endpoints();
  for (let at = 0; at < all.length; at += width) yield all.subarray(at, at + width);
}
