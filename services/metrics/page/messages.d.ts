/**
 * What the service tells a page by server-sent events, as JSON. Bytes, seconds, bytes a second; the definitions are in
 * docs/metrics.md. Each message has what is so now, never a difference to what was: hearing it twice does no harm.
 */

export interface Warning {
  readonly code: string;
  readonly severity: 'critical' | 'warning';
  /** Seconds for which it has been so. */
  readonly seconds: number;
  /** A sentence that names what and who. */
  readonly message: string;
}

/** A swarm in the list of all. */
export interface SwarmLine {
  /** Hexadecimal. */
  readonly infoHash: string;
  /** NAME@VERSION; empty where no node knows it. */
  readonly name: string;
  readonly size: number;
  readonly pieces: number;
  readonly nodes: number;
  readonly whole: number;
  readonly partial: number;
  readonly stalled: number;
  readonly availability: number;
  /** The median of the nodes, and the least. */
  readonly completion: { readonly p50: number; readonly min: number };
  readonly downRate: number;
  readonly secondsLeft: number | null;
  readonly warnings: readonly Warning[];
}

/** Event `swarms`: all of them first, then those that have changed. */
export interface SwarmsMessage {
  /** What was told before counts no more. */
  readonly whole: boolean;
  readonly swarms: readonly SwarmLine[];
  /** Info hashes. */
  readonly gone: readonly string[];
}

/** One swarm by itself. */
export interface SwarmDetail extends SwarmLine {
  readonly distributedCopies: number;
  readonly stragglerRatio: number;
  readonly seederAmplification: number;
  readonly duplicateRatio: number;
  readonly wasteRatio: number;
  readonly bytesBetweenNodes: number;
  readonly bytesAcrossZones: number;
  readonly failedPieces: number;
  readonly soleHolder: string | null;
  readonly solePieces: number;
  /** Pieces that are shown: all, or a sample at equal distances. */
  readonly columns: number;
  /** Nodes beyond those that are shown. */
  readonly omitted: number;
}

export interface NodeMessage {
  readonly node: string;
  readonly zone: string;
  readonly completion: number;
  readonly down: number;
  readonly up: number;
  /** Pieces that nobody else has. */
  readonly sole: number;
  readonly stalled: boolean;
  /** Seconds since it reported; 0 where that is usual. */
  readonly silent: number;
  readonly partial: boolean;
  /** Where they have changed: a bit for each piece that is shown, high bit first, in base64. */
  readonly pieces?: string;
  /** Where it has reported anew: from whom it got how many bytes since its report before, most first. */
  readonly from?: readonly (readonly [peer: string, bytes: number])[];
}

/** Event `swarm`: all of it first, then what has changed. */
export interface SwarmMessage {
  readonly whole: boolean;
  /** Null where no node reports it. */
  readonly swarm: SwarmDetail | null;
  readonly nodes: readonly NodeMessage[];
  /** Names of nodes. */
  readonly gone: readonly string[];
}
