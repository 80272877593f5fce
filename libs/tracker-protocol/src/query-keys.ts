/** The keys of an announce that a tracker reads (BEP 3, 7, 23); all others are passed over. */
const QUERY_KEYS = [
  'info_hash',
  'peer_id',
  'port',
  'uploaded',
  'downloaded',
  'left',
  'event',
  'numwant',
  'key',
  'trackerid',
  'ip',
  'ipv4',
  'ipv6',
  'compact',
  'no_peer_id',
] as const;

export type QueryKey = (typeof QUERY_KEYS)[number];

const LONGEST = Math.max(...QUERY_KEYS.map(({ length }) => length));

interface Candidate {
  readonly name: QueryKey;
  readonly bytes: Uint8Array;
}

/** By length and first letter: few share both. */
const BY_SHAPE: (readonly Candidate[] | undefined)[] = [];
for (const name of QUERY_KEYS) {
  const bytes = Buffer.from(name, 'latin1');
  const shape = shapeOf(bytes, 0, bytes.length);
  BY_SHAPE[shape] = [...(BY_SHAPE[shape] ?? []), { name, bytes }];
}

/** The key that stands at `start`; undefined for one that is not known. Nothing is allocated. */
export function keyAt(query: Uint8Array, start: number, end: number): QueryKey | undefined {
  const candidates =
    end === start || end - start > LONGEST ? undefined : BY_SHAPE[shapeOf(query, start, end)];
  if (candidates === undefined) return undefined;
  for (let i = 0; i < candidates.length; i++) {
    const { name, bytes } = candidates[i]!;
    let at = 0;
    while (at < bytes.length && query[start + at] === bytes[at]) at++;
    if (at === bytes.length) return name;
  }
  return undefined;
}

function shapeOf(bytes: Uint8Array, start: number, end: number): number {
  return ((end - start) << 5) | (bytes[start]! & 31);
}
