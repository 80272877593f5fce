import type { catalog as wire } from '@pixtorrent/contracts';
import { infoHash } from '@pixtorrent/core';
import type { EntryRecord, KnownEntry } from '../content/entry-record.ts';

/** @returns undefined for what is no entry */
export function entryOf(entry: wire.Entry): KnownEntry | undefined {
  const { name, version, size, labels, publishedMs, replicas } = entry;
  if (entry.infoHash.length !== 20 || version < 1) return undefined;
  const { wanted } = replicas ?? {};
  return {
    name,
    version,
    infoHash: infoHash(entry.infoHash),
    size,
    replicas: wanted?.$case === 'count' ? wanted.count : 'all',
    labels,
    published: publishedMs,
  };
}

export function replicasMessage(replicas: 'all' | number): wire.Replicas {
  return {
    wanted: replicas === 'all' ? { $case: 'all', all: true } : { $case: 'count', count: replicas },
  };
}

export function entryMessage(entry: KnownEntry, torrent: Uint8Array): wire.Entry {
  const { name, version, size, labels, published } = entry;
  return {
    name,
    version,
    infoHash: Buffer.from(entry.infoHash),
    size,
    replicas: replicasMessage(entry.replicas),
    labels: { ...labels },
    publishedMs: published,
    torrent: Buffer.from(torrent.buffer, torrent.byteOffset, torrent.byteLength),
  };
}

export function removedMessage({ name, version, infoHash, published }: EntryRecord): wire.Removed {
  return { name, version, infoHash: Buffer.from(infoHash), publishedMs: published };
}
