import { metrics as wire } from '@pixtorrent/contracts';
import { InvalidArgument, StatusError } from '@pixtorrent/service-kit';
import { type NodeReport, type PieceReport, ReportError, type TorrentReport } from '@pixtorrent/swarm-health';

/** Milliseconds after which it is worth trying again: where it came too fast, and where there is no room. */
const SOON = 1000;
const LATER = 30_000;

/** A message, or why it cannot be read. */
export type ReadReport = wire.ReportRequest | ReportError;

/** As a method's `requestDeserialize`: what that throws would end the call as a fault of this side. */
export function readReport(bytes: Buffer): ReadReport {
  try {
    return wire.ReportRequest.decode(bytes);
  } catch {
    return new ReportError('bad-message', 'message', 'cannot be read');
  }
}

/** What clock a node has is of no account. */
export function reportOf({ node, zone, sequence, torrents, gone, counters }: wire.ReportRequest): NodeReport {
  return { node, zone, sequence, torrents: torrents.map(torrentOf), gone, counters };
}

function torrentOf(message: wire.TorrentReport): TorrentReport {
  const { pieces } = message;
  // Most have none: what was read stands as it is.
  if (pieces === undefined) return message as typeof message & { readonly pieces: undefined };
  return { ...message, pieces: piecesOf(pieces) };
}

function piecesOf(pieces: NonNullable<wire.TorrentReport['pieces']>): PieceReport {
  if (pieces.$case === 'snapshot') return { type: 'snapshot', bits: pieces.snapshot };
  return { type: 'changes', came: pieces.changes.came, went: pieces.changes.went };
}

/** How a stream ends whose report was not taken in. */
export function statusOf(error: unknown): StatusError | undefined {
  if (!(error instanceof ReportError)) return undefined;
  const { code, field, message } = error;
  switch (code) {
    case 'full':
      return new StatusError('RESOURCE_EXHAUSTED', message, { retryAfter: LATER });
    case 'flood':
      return new StatusError('RESOURCE_EXHAUSTED', message, { retryAfter: SOON });
    case 'replaced':
      return new StatusError('ABORTED', message);
    default:
      return new InvalidArgument([{ field, description: message }]);
  }
}
