import type { TorrentSession } from '@pixtorrent/client';
import type { Metainfo } from '@pixtorrent/metainfo';

/** How a torrent of this node is. */
export type TorrentCondition =
  /** What is on the disk is looked at. */
  | { readonly type: 'checking' }
  | { readonly type: 'downloading'; readonly session: TorrentSession }
  | { readonly type: 'seeding'; readonly session: TorrentSession; readonly completed: number }
  /** It does not go on; it is tried again later. */
  | { readonly type: 'failed'; readonly reason: string }
  /** It is let go of. */
  | { readonly type: 'closing' };

/** A torrent that this node holds, or gets. */
export interface KeptTorrent {
  readonly metainfo: Metainfo;
  /** The torrent file. */
  readonly torrent: Uint8Array;
  /** Somebody asked for it beside the catalogue. */
  readonly pinned: boolean;
  /** Only what somebody reads of it is got. */
  readonly partial: boolean;
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
  readonly condition: TorrentCondition;
}

/** Its session, where it has one that works. */
export function sessionOf({ condition }: KeptTorrent): TorrentSession | undefined {
  return condition.type === 'downloading' || condition.type === 'seeding' ? condition.session : undefined;
}

/** Bytes of it that are here and verified. */
export function haveOf(torrent: KeptTorrent): number {
  if (torrent.condition.type === 'seeding') return torrent.metainfo.length;
  return sessionOf(torrent)?.stats().have ?? 0;
}
