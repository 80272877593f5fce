import type { AnnounceEvent, TrackerErrorCode } from '@pixtorrent/tracker-protocol';

/** How things stand with one tracker. */
export type TrackerStatus =
  | { readonly type: 'announcing'; readonly event?: AnnounceEvent }
  | {
      readonly type: 'working';
      /** Peers in its last answer. */
      readonly peers: number;
      readonly nextAnnounceSeconds: number;
      readonly seeders?: number;
      readonly leechers?: number;
      /** Printable. */
      readonly warning?: string;
    }
  | { readonly type: 'failed'; readonly code: TrackerErrorCode /** Printable. */; readonly message: string }
  | { readonly type: 'stopped' };
