import type { cluster } from '@pixtorrent/contracts';
import { type Endpoint, type InfoHash, sameBytes } from '@pixtorrent/core';

/** Holders that are told of: enough to begin with, the tracker names others. */
const MOST = 16;

/** Nodes that have some of a torrent, as the cluster knows them: they can be asked before a tracker has answered. */
export function holdersOf(nodes: Iterable<cluster.Node>, infoHash: InfoHash): Endpoint[] {
  const found: Endpoint[] = [];
  for (const { holdings, peerAddress } of nodes) {
    if (!holdings.some((holding) => holding.have > 0 && sameBytes(holding.infoHash, infoHash))) continue;
    const endpoint = endpointOf(peerAddress);
    if (endpoint !== undefined && found.push(endpoint) === MOST) break;
  }
  return found;
}

function endpointOf(address: string): Endpoint | undefined {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/i.exec(address) ?? [];
  const host = bracketed ?? plain;
  const number = Number(port);
  return host === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number };
}
