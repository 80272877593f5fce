import { PixError } from '@pixtorrent/core';

/**
 * - `invalid`: what came cannot be published: a name, a path, an archive
 * - `too-large`: more than this node takes in
 * - `no-room`: the disk budget, or the disk, does not suffice
 * - `busy`: too much is being taken in already
 * - `draining`: the node takes no more work
 * - `refused`: a source that this node is not to reach
 * - `source`: the source failed
 * - `interrupted`: it ended before all had come
 * - `catalogue`: all of it is here, and the catalogue does not answer; doing the same again publishes it
 */
export type IngestErrorCode =
  | 'invalid'
  | 'too-large'
  | 'no-room'
  | 'busy'
  | 'draining'
  | 'refused'
  | 'source'
  | 'interrupted'
  | 'catalogue';

/** Why content was not taken in. The message is meant for who brings it. */
export class IngestError extends PixError<IngestErrorCode> {}
