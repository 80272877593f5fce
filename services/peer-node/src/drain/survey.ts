import { Placement } from '@pixtorrent/cluster';
import { cluster } from '@pixtorrent/contracts';
import { toHex } from '@pixtorrent/core';
import type { KnownEntry } from '../content/entry-record.ts';
import { haveOf, type KeptTorrent, sessionOf } from '../torrents/kept-torrent.ts';

/** A torrent that is not, as far as this node knows, elsewhere too. */
export interface LeftTorrent {
  readonly torrent: KeptTorrent;
  /** Pieces that nobody else has, and their bytes; those that are here where that cannot be told. */
  readonly pieces: number;
  readonly bytes: number;
  /** Whether somebody is there who takes it, or is to hold it. */
  readonly hope: boolean;
}

export interface Surroundings {
  /** Of this node. */
  readonly self: string;
  /** The nodes that are there, this one among them or not. */
  readonly nodes: Iterable<cluster.Node>;
  /** The catalogue's entries by the info hash, in hexadecimal, of their torrents. */
  readonly entries: ReadonlyMap<string, readonly KnownEntry[]>;
  /** Those who had everything some time ago may still be asked whether they do. */
  readonly early: boolean;
}

/**
 * Which torrents would lose something if this node went now. A torrent is safe where another node that stays has all of
 * it, or where connected peers have all its pieces among them. Those are not believed while other nodes drain too: two
 * that leave would each count on the other.
 */
export function survey(torrents: Iterable<KeptTorrent>, around: Surroundings): LeftTorrent[] {
  const others = [...around.nodes].filter(({ name }) => name !== around.self);
  const whole = wholeElsewhere(others);
  const alone = !others.some(({ state }) => state === cluster.NodeState.NODE_STATE_DRAINING);
  const placement = placementOf(others);
  const left: LeftTorrent[] = [];
  for (const torrent of torrents) {
    const { condition, metainfo } = torrent;
    const key = toHex(metainfo.infoHash);
    if (condition.type === 'closing' || whole.has(key)) continue;
    const entries = around.entries.get(key) ?? [];
    const placed = entries.some(({ name, replicas }) => placement.holders(name, replicas).length > 0);
    const session = sessionOf(torrent);
    if (session === undefined) {
      const checking = condition.type === 'checking';
      left.push({ torrent, pieces: metainfo.pieceCount, bytes: metainfo.length, hope: checking && placed });
      continue;
    }
    const { pieces } = session.stats();
    const { sole, soleBytes } = session.availability();
    if (pieces === 0 || (sole === 0 && alone)) continue;
    const hope = placed || session.peers().some(({ interested }) => interested);
    left.push({
      torrent,
      pieces: alone ? sole : pieces,
      bytes: alone ? soleBytes : haveOf(torrent),
      hope: hope || (around.early && entries.length === 0),
    });
  }
  return left;
}

/** Info hashes, in hexadecimal, of what nodes that stay have all of. */
function wholeElsewhere(others: readonly cluster.Node[]): Set<string> {
  const whole = new Set<string>();
  for (const { state, holdings } of others) {
    if (state !== cluster.NodeState.NODE_STATE_READY) continue;
    for (const { infoHash, have, size } of holdings)
      if (have === size && size > 0) whole.add(toHex(infoHash));
  }
  return whole;
}

const STATES = { 1: 'starting', 2: 'ready' } as const;

function placementOf(others: readonly cluster.Node[]): Placement {
  return new Placement(
    others.flatMap(({ name, zone, diskUsed, state }) => {
      const known = STATES[state as keyof typeof STATES];
      return known === undefined ? [] : [{ name, zone, diskUsed, state: known }];
    }),
  );
}
