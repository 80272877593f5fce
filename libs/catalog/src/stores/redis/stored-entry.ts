import { infoHashFromHex, toHex } from '@pixtorrent/core';
import type { CatalogDraft, CatalogEntry, Replicas } from '../../catalog-store.ts';
import { sortedLabels } from '../../draft/labels.ts';
import { placeOf } from '../../entry-order.ts';

interface StoredDraft {
  /** Info hash in hexadecimal. */
  readonly h: string;
  readonly s: number;
  readonly p: boolean;
  readonly r: Replicas;
  readonly l: readonly (readonly [string, string])[];
}

/** What a draft says, without name and torrent, on one line: two drafts say the same where it is the same text. */
export function encodeDraft(draft: CatalogDraft): string {
  const stored: StoredDraft = {
    h: toHex(draft.infoHash),
    s: draft.size,
    p: draft.private,
    r: draft.replicas,
    l: sortedLabels(draft.labels),
  };
  return JSON.stringify(stored);
}

/**
 * @param key its `orderKey`
 * @param value when it was published, in milliseconds since 1970, a line feed, and what `encodeDraft` made
 */
export function decodeEntry(key: string, value: string): CatalogEntry {
  const end = value.indexOf('\n');
  const { h, s, p, r, l } = JSON.parse(value.slice(end + 1)) as StoredDraft;
  return Object.freeze({
    ...placeOf(key),
    infoHash: infoHashFromHex(h),
    size: s,
    private: p,
    replicas: r,
    labels: Object.freeze(Object.fromEntries(l)),
    published: Number(value.slice(0, end)),
  });
}
