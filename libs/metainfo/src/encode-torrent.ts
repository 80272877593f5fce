import { type Encodable, Encoded, encode } from '@pixtorrent/bencode';
import type { Metainfo } from './metainfo.ts';

/** What goes into a torrent file. A `Metainfo` is one. */
export type TorrentFields = Pick<Metainfo, 'infoBytes'> &
  Partial<Pick<Metainfo, 'trackers' | 'webSeeds' | 'comment' | 'createdBy' | 'creationDate' | 'extra'>>;

/**
 * The bytes of a torrent file. The info dictionary goes in as it stands, so that the info hash stays what it was;
 * a key in `extra` gives way to the field of the same name.
 */
export function encodeTorrent(fields: TorrentFields): Uint8Array {
  const torrent = new Map<string, Encodable>(fields.extra);
  const tiers = (fields.trackers ?? []).filter((tier) => tier.length > 0);
  const webSeeds = fields.webSeeds ?? [];
  const first = tiers[0]?.[0];
  if (first !== undefined) torrent.set('announce', first);
  if (tiers.length > 1 || (tiers[0]?.length ?? 0) > 1) torrent.set('announce-list', tiers);
  if (fields.comment !== undefined) torrent.set('comment', fields.comment);
  if (fields.createdBy !== undefined) torrent.set('created by', fields.createdBy);
  if (fields.creationDate !== undefined) torrent.set('creation date', fields.creationDate);
  if (webSeeds.length > 0) torrent.set('url-list', webSeeds.length === 1 ? webSeeds[0]! : webSeeds);
  torrent.set('info', new Encoded(fields.infoBytes));
  return encode(torrent);
}
