import type { Torrent } from '@pixtorrent/engine';
import type { SimulatedNode } from '../simulated-node.ts';
import type { Scenario } from './random-scenario.ts';

/** What must be true of a swarm whose leechers had time to finish. @returns a line for each thing that is not */
export function complaints({ swarm, honest }: Scenario): string[] {
  const found: string[] = [];
  const banned = new Set([...honest].map((node) => node.endpoint.host));
  for (const node of swarm.nodes) {
    if (node.torrent === undefined || !node.expected) continue;
    const say = (text: string): void => {
      found.push(`${node.host.name}: ${text}`);
    };
    for (const { key, cause } of node.bans) {
      if (banned.has(key)) say(`banned the honest ${key} for ${cause}`);
    }
    if (node.finishedAt === undefined)
      say(`has ${node.torrent.have.count} of ${swarm.shape.pieceCount} pieces`);
    else finished(node, node.torrent, say);
    books(node.torrent, say);
  }
  return found;
}

function finished(node: SimulatedNode, torrent: Torrent, say: (text: string) => void): void {
  if (torrent.have.complete) {
    if (torrent.pieces.active.size > 0)
      say(`is complete with ${torrent.pieces.active.size} pieces in progress`);
    if (node.pieces.slots > 0) say(`is complete and holds memory for ${node.pieces.slots} pieces`);
    if (!node.pieces.stored.complete) say('says that it is complete, and its disk is not');
  }
}

/** What the engine counts as things change must be what there is to be counted. */
function books(torrent: Torrent, say: (text: string) => void): void {
  const { pieces, peers } = torrent;
  let seeds = 0;
  const keys = new Set<string>();
  for (const peer of peers) {
    if (peer.has.complete) seeds++;
    if (keys.has(peer.key)) say(`has two connections to ${peer.key}`);
    keys.add(peer.key);
    let useful = 0;
    for (const piece of peer.has) if (pieces.lacks(piece)) useful++;
    if (useful !== peer.useful)
      say(`counts ${peer.useful} useful pieces at ${peer.key}, there are ${useful}`);
    if (peer.inFlight < 0) say(`has ${peer.inFlight} bytes in flight to ${peer.key}`);
    if (peer.strayCredit < 0) say(`has a stray credit of ${peer.strayCredit} for ${peer.key}`);
  }
  if (pieces.availability.seeds !== seeds)
    say(`counts ${pieces.availability.seeds} seeds, there are ${seeds}`);
  let unspread = 0;
  for (let piece = 0; piece < pieces.shape.pieceCount; piece++) {
    let copies = 0;
    for (const peer of peers) if (!peer.has.complete && peer.has.has(piece)) copies++;
    if (copies === 0) unspread++;
    const counted = pieces.availability.partialCopies(piece);
    if (counted !== copies) say(`counts ${counted} copies of piece ${piece}, there are ${copies}`);
  }
  if (pieces.availability.unspread !== unspread) {
    say(`counts ${pieces.availability.unspread} pieces that nobody has, there are ${unspread}`);
  }
}
