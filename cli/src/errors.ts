import { PixError } from '@pixtorrent/core';

export type CliErrorCode =
  | 'usage'
  /** Something that was named on the command line is not there, or not what it should be. */
  | 'bad-input'
  /** The file to be written is there already, with other contents. */
  | 'exists'
  /** Content is missing or wrong. */
  | 'not-whole'
  /** Nobody to get the content from was reached. */
  | 'no-peers'
  /** A service does not answer. */
  | 'unreachable'
  /** A service does not do what it was asked to. */
  | 'refused'
  | 'interrupted'
  /** A process of the demonstration ended before its time. */
  | 'node-ended';

/** What the command line itself refuses. The message is for people, in one line. */
export class CliError extends PixError<CliErrorCode> {}
