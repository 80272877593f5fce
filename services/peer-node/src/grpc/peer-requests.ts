import { labelFaults, nameFault } from '@pixtorrent/catalog';
import { FILE_SYSTEM } from '@pixtorrent/client';
import type { peer as wire } from '@pixtorrent/contracts';
import { type Endpoint, ID_LENGTH, type InfoHash, infoHash } from '@pixtorrent/core';
import { type Magnet, type Metainfo, MetainfoError, parseMagnet, parseMetainfo } from '@pixtorrent/metainfo';
import { type FieldViolation, invalid } from '@pixtorrent/service-kit';
import type { Publication } from '../ingest/ingestor.ts';

/** Torrents of a page, and that are watched by name. */
const USUAL_PAGE = 100;
const MOST_TORRENTS = 1000;
/** Milliseconds. */
const USUAL_INTERVAL = 1000;
const SHORTEST_INTERVAL = 100;
const MOST_PEERS = 100;
/** Bytes. */
const LARGEST_TORRENT = 16 * 2 ** 20;
const LARGEST_DATA = 2 ** 20;
/** Characters of a URL or path. */
const LONGEST_PLACE = 8192;
/** Bytes a second. */
const LEAST_RATE = 16 * 1024;
const SMALLEST_PIECE = 16 * 1024;
const LARGEST_PIECE = 16 * 2 ** 20;

/** @throws InvalidArgument */
export function hashOf(bytes: Buffer, field = 'info_hash'): InfoHash {
  if (bytes.length !== ID_LENGTH) throw wrong(field, `has ${bytes.length} bytes, 20 are wanted`);
  return infoHash(bytes);
}

/** @throws InvalidArgument */
export function pageOf({ pageSize, pageToken }: wire.ListTorrentsRequest): {
  readonly limit: number;
  readonly after: string;
} {
  if (pageSize > MOST_TORRENTS)
    throw wrong('page_size', `is ${pageSize}, at most ${MOST_TORRENTS} are allowed`);
  if (pageToken !== '' && !/^[0-9a-f]{40}$/.test(pageToken))
    throw wrong('page_token', 'has to be the next_page_token of a page before');
  return { limit: pageSize === 0 ? USUAL_PAGE : pageSize, after: pageToken };
}

/** @throws InvalidArgument */
export function watchOf({ infoHashes, intervalMs }: wire.WatchTorrentsRequest): {
  readonly hashes: readonly InfoHash[];
  readonly interval: number;
} {
  if (infoHashes.length > MOST_TORRENTS)
    throw wrong('info_hashes', `are ${infoHashes.length}, at most ${MOST_TORRENTS} are allowed`);
  const hashes = infoHashes.map((bytes, i) => hashOf(bytes, `info_hashes[${i}]`));
  if (intervalMs !== 0 && intervalMs < SHORTEST_INTERVAL)
    throw wrong('interval_ms', `is ${intervalMs}, at least ${SHORTEST_INTERVAL} are allowed`);
  return { hashes, interval: intervalMs === 0 ? USUAL_INTERVAL : intervalMs };
}

/** What is to be added: a torrent that was read, or a magnet link. @throws InvalidArgument */
export function sourceOf({
  source,
}: wire.AddTorrentRequest): { torrent: Uint8Array; metainfo: Metainfo } | Magnet {
  if (source === undefined) throw wrong('source', 'is missing: a torrent file or a magnet link');
  const field = source.$case;
  try {
    if (source.$case === 'magnet') return parseMagnet(source.magnet);
    const { torrent } = source;
    return {
      torrent,
      metainfo: parseMetainfo(torrent, { fileSystem: FILE_SYSTEM, maxBytes: LARGEST_TORRENT }),
    };
  } catch (error) {
    if (error instanceof MetainfoError) throw wrong(field, error.message);
    throw error;
  }
}

/** @throws InvalidArgument */
export function peersOf(peers: readonly string[]): Endpoint[] {
  if (peers.length > MOST_PEERS)
    throw wrong('peers', `are ${peers.length}, at most ${MOST_PEERS} are allowed`);
  return peers.map((text, i) => {
    const { bracketed, plain, digits } =
      /^(?:\[(?<bracketed>[^\]]+)\]|(?<plain>[^:[\]]+)):(?<digits>\d{1,5})$/.exec(text)?.groups ?? {};
    const host = bracketed ?? plain;
    const port = Number(digits);
    if (host === undefined || host.length > 253 || !(port >= 1 && port <= 65_535))
      throw wrong(`peers[${i}]`, 'has to be HOST:PORT, an IPv6 address in brackets');
    return { host, port };
  });
}

/** Bytes a second, 0 for no limit. @throws InvalidArgument */
export function limitsOf({ limits }: wire.SetLimitsRequest): {
  readonly downloadRate: number;
  readonly uploadRate: number;
} {
  if (limits === undefined) throw wrong('limits', 'are missing');
  for (const field of ['downloadRate', 'uploadRate'] as const)
    if (limits[field] !== 0 && limits[field] < LEAST_RATE)
      throw wrong(
        field === 'downloadRate' ? 'limits.download_rate' : 'limits.upload_rate',
        `is ${limits[field]}, at least ${LEAST_RATE} bytes a second are allowed, or 0 for no limit`,
      );
  return limits;
}

/** @throws InvalidArgument with everything that is wrong */
export function publicationOf(publication: wire.Publication | undefined, path = 'publication'): Publication {
  if (publication === undefined) throw wrong(path, 'is missing');
  const { name, replicas, labels, pieceLength } = publication;
  const fields: FieldViolation[] = labelFaults(labels).map(({ field, reason }) => ({
    field: `${path}.${field}`,
    description: reason,
  }));
  const fault = nameFault(name);
  if (fault !== undefined) fields.push({ field: `${path}.name`, description: fault });
  const isPower = Number.isInteger(Math.log2(pieceLength));
  if (pieceLength !== 0 && (!isPower || pieceLength < SMALLEST_PIECE || pieceLength > LARGEST_PIECE))
    fields.push({
      field: `${path}.piece_length`,
      description: `is ${pieceLength}, a power of two from 16 KiB to 16 MiB is wanted`,
    });
  if (fields.length > 0) throw invalid(fields);
  return {
    name,
    replicas: replicas === 0 ? 'all' : replicas,
    labels,
    ...(pieceLength !== 0 && { pieceLength }),
  };
}

/** What an upload begins with. @throws InvalidArgument */
export function headerOf(request: wire.UploadRequest | undefined): {
  readonly publication: Publication;
  readonly name: string;
  readonly directory: boolean;
  readonly size?: number;
} {
  if (request?.part?.$case !== 'header') throw wrong('header', 'has to come first');
  const { publication, content, size } = request.part.header;
  if (content === undefined) throw wrong('header.content', 'is missing: the name of a file or directory');
  return {
    publication: publicationOf(publication, 'header.publication'),
    name: content.$case === 'file' ? content.file : content.directory,
    directory: content.$case === 'directory',
    ...(size !== 0 && { size }),
  };
}

/** @throws InvalidArgument */
export function dataOf({ part }: wire.UploadRequest): Buffer {
  if (part?.$case !== 'data') throw wrong('data', 'is wanted after the header, and nothing else');
  if (part.data.length > LARGEST_DATA)
    throw wrong('data', `has ${part.data.length} bytes, at most ${LARGEST_DATA} a message are allowed`);
  return part.data;
}

/** @throws InvalidArgument */
export function placeOf({ source }: wire.IngestRequest): Exclude<wire.IngestRequest['source'], undefined> {
  if (source === undefined) throw wrong('source', 'is missing: a URL or a path');
  const text = source.$case === 'url' ? source.url : source.path;
  if (text === '' || text.length > LONGEST_PLACE)
    throw wrong(source.$case, `has ${text.length} characters, 1 to ${LONGEST_PLACE} are allowed`);
  return source;
}

export function wrong(field: string, description: string) {
  return invalid([{ field, description }]);
}
