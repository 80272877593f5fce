import { ClientError, type ConnectedPeer } from '@pixtorrent/client';
import { peer as wire } from '@pixtorrent/contracts';
import { unreachable } from '@pixtorrent/core';
import { MetainfoError } from '@pixtorrent/metainfo';
import { StorageError } from '@pixtorrent/node-io';
import { StatusError } from '@pixtorrent/service-kit';
import type { DrainOutcome, DrainReport } from '../drain/drain.ts';
import { IngestError } from '../ingest/errors.ts';
import type { Published } from '../ingest/ingestor.ts';
import { haveOf, type KeptTorrent, sessionOf, type TorrentCondition } from '../torrents/kept-torrent.ts';
import { TorrentsError } from '../torrents/torrents.ts';
import { wrong } from './peer-requests.ts';

/** Milliseconds after which what is away or busy is worth asking again. */
const PAUSE = 1000;

const STATES: Readonly<Record<TorrentCondition['type'], wire.TorrentState>> = {
  checking: wire.TorrentState.TORRENT_STATE_CHECKING,
  downloading: wire.TorrentState.TORRENT_STATE_DOWNLOADING,
  seeding: wire.TorrentState.TORRENT_STATE_SEEDING,
  failed: wire.TorrentState.TORRENT_STATE_FAILED,
  // It is about to be gone, and does not go on by itself.
  closing: wire.TorrentState.TORRENT_STATE_FAILED,
};

/** @param entries NAME@VERSION each */
export function torrentMessage(torrent: KeptTorrent, entries: readonly string[]): wire.Torrent {
  const { metainfo, condition } = torrent;
  const session = sessionOf(torrent);
  const stats = session?.stats();
  const availability = session?.availability();
  return {
    infoHash: Buffer.from(metainfo.infoHash),
    name: metainfo.name,
    entries: entries as string[],
    state: STATES[condition.type],
    error: condition.type === 'failed' ? condition.reason : '',
    size: metainfo.length,
    have: haveOf(torrent),
    pieces: metainfo.pieceCount,
    havePieces: stats?.pieces ?? 0,
    pieceLength: metainfo.pieceLength,
    downloaded: stats?.downloaded ?? 0,
    uploaded: stats?.uploaded ?? 0,
    wasted: stats?.wasted ?? 0,
    downRate: Math.round(stats?.downRate ?? 0),
    upRate: Math.round(stats?.upRate ?? 0),
    peers: stats?.peers ?? 0,
    availability: availability?.rarest ?? 0,
    solePieces: availability?.sole ?? 0,
    completedMs: condition.type === 'seeding' ? Math.floor(condition.completed) : 0,
  };
}

export function sameTorrent(a: wire.Torrent, b: wire.Torrent): boolean {
  for (const key of Object.keys(a) as (keyof wire.Torrent)[])
    if (key !== 'infoHash' && a[key] !== b[key]) return false;
  return true;
}

export function peerMessage(peer: ConnectedPeer): wire.ConnectedPeer {
  const { host, port, peerId, pieces, downRate, upRate, ...same } = peer;
  return {
    ...same,
    address: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    peerId: Buffer.from(peerId),
    havePieces: pieces,
    downRate: Math.round(downRate),
    upRate: Math.round(upRate),
  };
}

const OUTCOMES: Readonly<Record<DrainOutcome, wire.DrainOutcome>> = {
  safe: wire.DrainOutcome.DRAIN_OUTCOME_SAFE,
  'timed-out': wire.DrainOutcome.DRAIN_OUTCOME_TIMED_OUT,
  alone: wire.DrainOutcome.DRAIN_OUTCOME_ALONE,
};

export function drainMessage({ pieces, bytes, torrents, outcome }: DrainReport): wire.DrainResponse {
  return {
    solePieces: pieces,
    soleBytes: bytes,
    torrents,
    outcome: outcome === undefined ? wire.DrainOutcome.DRAIN_OUTCOME_UNSPECIFIED : OUTCOMES[outcome],
  };
}

export function publishedMessage({ entry, unchanged }: Published): wire.Published {
  const { name, version, infoHash, size } = entry;
  return { name, version, infoHash: Buffer.from(infoHash), size, unchanged };
}

/** How a call ends where the node could not do what it asks. */
export function statusOf(error: unknown): StatusError | undefined {
  if (error instanceof IngestError) return ingestStatus(error);
  if (error instanceof TorrentsError) return torrentsStatus(error);
  if (error instanceof MetainfoError) return new StatusError('INVALID_ARGUMENT', error.message);
  if (error instanceof ClientError && (error.code === 'no-metadata' || error.code === 'closed'))
    return new StatusError('UNAVAILABLE', error.message);
  if (isFull(error)) return new StatusError('RESOURCE_EXHAUSTED', 'the disk of this node is full');
  return undefined;
}

function ingestStatus({ code, message }: IngestError): StatusError {
  switch (code) {
    case 'invalid':
    case 'too-large':
      return new StatusError('INVALID_ARGUMENT', message);
    case 'refused':
      return wrong('source', message);
    case 'no-room':
      return new StatusError('RESOURCE_EXHAUSTED', message);
    case 'draining':
      return new StatusError('FAILED_PRECONDITION', message);
    case 'busy':
    case 'catalogue':
      return new StatusError('UNAVAILABLE', message, { retryAfter: PAUSE });
    case 'source':
      return new StatusError('UNAVAILABLE', message);
    case 'interrupted':
      return new StatusError('ABORTED', message);
    default:
      return unreachable(code);
  }
}

function torrentsStatus({ code, message }: TorrentsError): StatusError {
  switch (code) {
    case 'known':
      return new StatusError('ALREADY_EXISTS', message);
    case 'unknown':
      return new StatusError('NOT_FOUND', message);
    case 'closed':
      return new StatusError('UNAVAILABLE', message);
    default:
      return unreachable(code);
  }
}

function isFull(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT' || (error instanceof StorageError && code === 'disk-full');
}
