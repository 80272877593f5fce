import { ID_LENGTH, type Random } from '@pixtorrent/core';
import type { PackedPeers } from '@pixtorrent/tracker-protocol';
import type { PeerTable } from './peer-table.ts';

/** Who asks for peers, and for which. */
export interface Asker {
  readonly peerId: Uint8Array;
  /** In compact form. */
  readonly endpoint: Uint8Array;
  readonly seed: boolean;
}

const NOTHING = new Uint8Array(0);

/** Picks up to `want` peers: from `first`, and what that lacks from `second`. Takes time in the number picked only. */
export function handOut(
  first: PeerTable | undefined,
  second: PeerTable | undefined,
  asker: Asker,
  want: number,
  withIds: boolean,
  random: Random,
): PackedPeers {
  const own = pick(first, asker, want, withIds, random);
  const other = pick(second, asker, want - own.count, withIds, random);
  const [v4, v6] = asker.endpoint.length === 6 ? [own, other] : [other, own];
  const ids = withIds ? Buffer.concat([v4.ids, v6.ids]) : NOTHING;
  return { v4: v4.endpoints, v6: v6.endpoints, ids };
}

interface Picked {
  readonly count: number;
  readonly endpoints: Uint8Array;
  readonly ids: Uint8Array;
}

const NOBODY: Picked = { count: 0, endpoints: NOTHING, ids: NOTHING };

/**
 * A walk over the slots from a random one by a random step that has no divisor in common with their number: it
 * comes to each slot once, each slot is as likely as any other, and nothing is remembered of those visited.
 */
function pick(
  table: PeerTable | undefined,
  asker: Asker,
  want: number,
  withIds: boolean,
  random: Random,
): Picked {
  const size = table === undefined ? 0 : asker.seed ? table.leechers : table.count;
  if (table === undefined || size === 0 || want <= 0) return NOBODY;
  const most = Math.min(want, size);
  const width = table.endpointLength;
  const endpoints = new Uint8Array(most * width);
  const ids = withIds ? new Uint8Array(most * ID_LENGTH) : NOTHING;
  const self = width === asker.endpoint.length ? table.find(asker.endpoint) : -1;
  const step = stepThrough(size, random);
  let slot = random.below(size);
  let count = 0;
  for (let visited = 0; visited < size && count < most; visited++) {
    if (slot !== self && !table.hasId(slot, asker.peerId)) {
      table.copyEndpoint(slot, endpoints, count * width);
      if (withIds) table.copyId(slot, ids, count * ID_LENGTH);
      count++;
    }
    slot = (slot + step) % size;
  }
  return { count, endpoints: endpoints.subarray(0, count * width), ids: ids.subarray(0, count * ID_LENGTH) };
}

function stepThrough(size: number, random: Random): number {
  if (size < 3) return 1;
  let step = 1 + random.below(size - 1);
  while (greatestDivisor(step, size) !== 1) step = step === size - 1 ? 1 : step + 1;
  return step;
}

function greatestDivisor(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}
