import type { Member } from './member.ts';
import type { ReportStream } from './report-stream.ts';

/** A node that reports. */
export class KnownNode {
  readonly name: string;
  zone = '';
  /** When it was heard of last, milliseconds. */
  heardAt: number;
  /** It was silent for a while when it was looked at last. */
  stale = false;
  /** By the hexadecimal info hash: what it has of its torrents. */
  readonly members = new Map<string, Member>();
  /** Whether it may have members whose pieces are in doubt. */
  doubted = false;
  /** By cause: bans, as it counted them last. */
  readonly bans = new Map<string, number>();
  /** It has told its counters since it was met: what they gain from then on is news. */
  counted = false;
  discoveryMs = 0;
  messageMs = 0;
  /** The stream that speaks for it. */
  stream: ReportStream | undefined;

  constructor(name: string, now: number) {
    this.name = name;
    this.heardAt = now;
  }
}
