import { PixError } from '@pixtorrent/core';

/**
 * - `bad-message`: bytes that are no report, or numbers beyond all counting
 * - `bad-name`: what should name a node, a zone, a peer or a cause does not
 * - `other-node`: a stream that spoke for one node speaks for another
 * - `bad-sequence`: a number that was there already
 * - `bad-hash`: an info hash of other than 20 bytes, or twice in a report
 * - `bad-shape`: figures of a torrent that do not fit together, or not with what others report of it
 * - `bad-pieces`: bits or indexes that do not fit the torrent
 * - `bad-figure`: a number that counts or measures nothing
 * - `too-much`: more in a report than one has
 * - `flood`: more reports than a node has reason to send
 * - `full`: no room for one more node
 * - `replaced`: the node reports by another stream since
 */
export type ReportErrorCode =
  | 'bad-message'
  | 'bad-name'
  | 'other-node'
  | 'bad-sequence'
  | 'bad-hash'
  | 'bad-shape'
  | 'bad-pieces'
  | 'bad-figure'
  | 'too-much'
  | 'flood'
  | 'full'
  | 'replaced';

/** Why a report was not taken in: nothing of it was. The message is meant for the node. */
export class ReportError extends PixError<ReportErrorCode> {
  /** What of the report it is about, as the contract names it: `torrents[3].snapshot`. */
  readonly field: string;

  constructor(code: ReportErrorCode, field: string, message: string) {
    super(code, message);
    this.field = field;
  }
}
