import { type InfoHash, infoHashFromHex, toHex } from '@pixtorrent/core';
import { z } from 'zod';

/** One version of a name, as a node knows it. */
export interface KnownEntry {
  readonly name: string;
  readonly version: number;
  readonly infoHash: InfoHash;
  /** Bytes of content. */
  readonly size: number;
  readonly replicas: 'all' | number;
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly published: number;
}

/** An entry as a node keeps it on its disk, so that a catalogue that was lost can be told again. */
export interface EntryRecord extends KnownEntry {
  /** It was removed from the catalogue: it is not to come back. */
  readonly removed: boolean;
}

const stored = z.object({
  name: z.string().min(1).max(253),
  version: z.int().min(1),
  infoHash: z.string().regex(/^[0-9a-f]{40}$/),
  size: z.int().min(0),
  replicas: z.union([z.literal('all'), z.int().min(1)]),
  labels: z.record(z.string(), z.string()),
  published: z.number(),
  removed: z.boolean(),
});

/** Bytes of a record; the largest that a catalogue's limits allow has 64 labels of 318 bytes. */
export const LONGEST_RECORD = 256 * 1024;

/** NAME@VERSION. */
export function entryKey({ name, version }: { readonly name: string; readonly version: number }): string {
  return `${name}@${version}`;
}

export function encodeEntryRecord(record: EntryRecord): string {
  return `${JSON.stringify({ ...record, infoHash: toHex(record.infoHash) })}\n`;
}

/** @returns undefined for what is no record */
export function decodeEntryRecord(text: string): EntryRecord | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = stored.safeParse(json);
  return parsed.success ? { ...parsed.data, infoHash: infoHashFromHex(parsed.data.infoHash) } : undefined;
}
