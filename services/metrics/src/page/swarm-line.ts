import { toHex } from '@pixtorrent/core';
import type { SwarmFigures } from '@pixtorrent/swarm-health';
import type { SwarmDetail, SwarmLine } from '../../page/messages.d.ts';

/** A swarm as the list of all has it. */
export function swarmLine(figures: SwarmFigures): SwarmLine {
  const { name, size, pieces, nodes, whole, partial, stalled, availability, completion } = figures;
  return {
    infoHash: toHex(figures.infoHash),
    name,
    size,
    pieces,
    nodes,
    whole,
    partial,
    stalled,
    availability,
    completion: { p50: completion.p50, min: completion.min },
    downRate: Math.round(figures.downRate),
    secondsLeft: figures.secondsLeft ?? null,
    warnings: figures.warnings,
  };
}

/** A swarm by itself. */
export function swarmDetail(
  figures: SwarmFigures,
  shown: Pick<SwarmDetail, 'columns' | 'omitted'>,
): SwarmDetail {
  return {
    ...swarmLine(figures),
    distributedCopies: figures.distributedCopies,
    stragglerRatio: figures.stragglerRatio,
    seederAmplification: figures.seederAmplification,
    duplicateRatio: figures.duplicateRatio,
    wasteRatio: figures.wasteRatio,
    bytesBetweenNodes: figures.bytesBetweenNodes,
    bytesAcrossZones: figures.bytesAcrossZones,
    failedPieces: figures.failedPieces,
    soleHolder: figures.soleHolder ?? null,
    solePieces: figures.solePieces,
    ...shown,
  };
}
