import type { metrics as wire } from '@pixtorrent/contracts';
import type { MemberFigures, Swarm, SwarmFigures, SwarmHealth } from '@pixtorrent/swarm-health';

/** Bytes of pieces in one message, where 32 MiB may go out. */
const MOST_PIECES = 16 * 2 ** 20;

export function swarmMessage(health: SwarmHealth, swarm: Swarm, withNodes = false): wire.SwarmHealth {
  return {
    ...figuresMessage(health.figures(swarm)),
    nodeHealth: withNodes ? nodeMessages(health, swarm) : [],
  };
}

function figuresMessage(figures: SwarmFigures): Omit<wire.SwarmHealth, 'nodeHealth'> {
  const {
    infoHash,
    completion,
    soleHolder = '',
    slowest = '',
    spreadSeconds,
    piecesByCopies,
    warnings,
    ...rest
  } = figures;
  return {
    ...rest,
    infoHash: bufferOf(infoHash),
    completionMin: completion.min,
    completionP10: completion.p10,
    completionP50: completion.p50,
    completionP90: completion.p90,
    spreadSeconds: [...spreadSeconds],
    piecesByCopies: [...piecesByCopies],
    soleHolder,
    slowest,
    warnings: [...warnings],
  };
}

function nodeMessages(health: SwarmHealth, swarm: Swarm): wire.NodeHealth[] {
  const fits = swarm.members.size * Math.ceil(swarm.pieces / 8) <= MOST_PIECES;
  return Array.from(health.members(swarm), (member) => nodeMessage(member, fits));
}

function nodeMessage(member: MemberFigures, withPieces: boolean): wire.NodeHealth {
  const { pieces, peers, ...rest } = member;
  return { ...rest, pieces: withPieces ? bufferOf(pieces) : Buffer.alloc(0), peers: [...peers] };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
