import { toHex } from '@pixtorrent/core';
import type { MemberFigures, SwarmFigures } from '@pixtorrent/swarm-health';

/** A swarm as JSON: figures as docs/metrics.md has them, what is not known as null. */
export function swarmJson({ infoHash, secondsLeft, soleHolder, tracker, ...figures }: SwarmFigures) {
  return {
    infoHash: toHex(infoHash),
    ...figures,
    secondsLeft: secondsLeft ?? null,
    soleHolder: soleHolder ?? null,
    tracker: tracker ?? null,
  };
}

/** A node of a swarm as JSON; pieces in base64, a bit each, high bit first. */
export function memberJson({ pieces, ...figures }: MemberFigures) {
  return { ...figures, pieces: Buffer.from(pieces).toString('base64') };
}
