import { PixError } from '@pixtorrent/core';

export type ClientErrorCode =
  /** The torrent is open in this client already. */
  | 'already-open'
  /** Nothing of the content is there to be seeded. */
  | 'nothing-to-seed'
  /** The client, or the torrent, was closed before it was done. */
  | 'closed'
  /** A piece that is read is not here, and the session does not get it. */
  | 'unavailable'
  /** A piece that is read did not come in time. */
  | 'stalled'
  /** The torrent could not go on: `cause` says why. */
  | 'failed'
  /** No peer gave the metadata of a magnet link in time. */
  | 'no-metadata'
  /** What was to become a torrent cannot: not a file or folder, or nothing in it. */
  | 'bad-content';

/** What a client could not do. Disk and network failures are `StorageError` and `NetworkError` of node-io. */
export class ClientError extends PixError<ClientErrorCode> {}
