/** How the process ends; scripts depend on these. */
export const ExitCode = {
  done: 0,
  /** The data or the input is bad: a malformed torrent, content that is not whole. */
  badInput: 1,
  usage: 2,
  /** Peers, trackers or ports that cannot be had, after retries. */
  network: 3,
  /** Full, not permitted, or unreadable. */
  disk: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
