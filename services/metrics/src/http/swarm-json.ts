import { toHex } from '@pixtorrent/core';
import type { MemberFigures, SwarmFigures } from '@pixtorrent/swarm-health';
import type { MemberJson, SwarmJson } from './schemas.ts';

/** A swarm as JSON: figures as docs/metrics.md has them, what is not known as null. */
export function swarmJson(figures: SwarmFigures): SwarmJson {
  return {
    ...figures,
    infoHash: toHex(figures.infoHash),
    piecesByCopies: [...figures.piecesByCopies],
    spreadSeconds: [...figures.spreadSeconds],
    secondsLeft: figures.secondsLeft ?? null,
    slowest: figures.slowest ?? null,
    soleHolder: figures.soleHolder ?? null,
    warnings: [...figures.warnings],
    tracker: figures.tracker ?? null,
  };
}

/** A node of a swarm as JSON; pieces in base64, a bit each, high bit first. */
export function memberJson(figures: MemberFigures): MemberJson {
  return {
    ...figures,
    pieces: Buffer.from(figures.pieces).toString('base64'),
    peers: [...figures.peers],
  };
}
