import type { StoredPeer } from '@pixtorrent/tracker';

/** Peers that a store takes at a time. */
const STEP = 1000;

/** Peers in steps that a store takes; each is made when it is its turn, and undefined is left out. */
export function* inSteps<T>(
  items: Iterable<T>,
  peerOf: (item: T) => StoredPeer | undefined,
): Generator<StoredPeer[]> {
  let step: StoredPeer[] = [];
  for (const item of items) {
    const peer = peerOf(item);
    if (peer !== undefined) step.push(peer);
    if (step.length < STEP) continue;
    yield step;
    step = [];
  }
  if (step.length > 0) yield step;
}
