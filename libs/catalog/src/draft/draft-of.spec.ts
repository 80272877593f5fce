import { parseMetainfo } from '@pixtorrent/metainfo';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { torrentOf } from '../catalog-store.suite.ts';
import type { Replicas } from '../catalog-store.ts';
import { CatalogError } from '../errors.ts';
import { type DraftInput, draftOf, MAX_TORRENT_LENGTH } from './draft-of.ts';

function errorOf(input: DraftInput): CatalogError {
  try {
    draftOf(input);
  } catch (error) {
    if (error instanceof CatalogError) return error;
    throw error;
  }
  return expect.fail('it was taken');
}

it('takes info hash, size and privacy from the torrent', () => {
  const torrent = torrentOf({ content: 12_345, private: true });
  const draft = draftOf({ name: 'a', torrent });
  expect(draft).toEqual({
    name: 'a',
    torrent,
    infoHash: parseMetainfo(torrent).infoHash,
    size: 12_345,
    private: true,
    replicas: 'all',
    labels: {},
  });
  expect(draft.torrent).toBe(torrent);
});

it('takes names that are safe on Linux, where nodes run', () => {
  const torrent = Buffer.from(
    torrentOf({ content: 1 }).toString('latin1').replace('4:name1:x', '4:name5:aux.c'),
    'latin1',
  );
  expect(draftOf({ name: 'a', torrent }).size).toBe(1);
});

it('names every field that is wrong at once', () => {
  const error = errorOf({
    name: 'A',
    torrent: Buffer.from('spam'),
    replicas: 0,
    labels: { '': '' },
  });
  expect(error.code).toBe('invalid');
  expect(error.fields.map(({ field }) => field)).toEqual(['name', 'torrent', 'replicas', 'labels.']);
  expect(error.message).toMatch(/^name: .*; torrent: is no torrent.*; replicas: .*; labels\.: /);
});

it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32, 'some' as unknown])(
  'refuses %j replicas',
  (replicas) => {
    const error = errorOf({ name: 'a', torrent: torrentOf({ content: 1 }), replicas: replicas as Replicas });
    expect(error.fields.map(({ field }) => field)).toEqual(['replicas']);
  },
);

it('takes torrents up to 16 MiB, and looks into no larger one', () => {
  const rest = torrentOf({ content: 1, padding: 10_000_000 }).length - 10_000_000;
  const largest = torrentOf({ content: 1, padding: MAX_TORRENT_LENGTH - rest });
  expect(largest).toHaveLength(MAX_TORRENT_LENGTH);
  expect(draftOf({ name: 'a', torrent: largest }).size).toBe(1);
  const larger = Buffer.concat([largest, Buffer.alloc(1)]);
  expect(errorOf({ name: 'a', torrent: larger }).fields).toEqual([
    { field: 'torrent', reason: 'has 16777217 bytes, at most 16777216 are allowed' },
  ]);
  expect(errorOf({ name: 'a', torrent: Buffer.alloc(0) }).message).toBe('torrent: is missing');
});

it('refuses garbage and bent torrents with a reason, and throws nothing else', () => {
  const torrent = torrentOf({ content: 5 });
  const bent = fc
    .tuple(fc.nat(torrent.length - 1), fc.nat(255), fc.nat(3))
    .map(([at, byte, cut]) =>
      Buffer.concat([torrent.subarray(0, at), Buffer.of(byte), torrent.subarray(at + cut)]),
    );
  fc.assert(
    fc.property(fc.oneof(bent, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      try {
        expect(draftOf({ name: 'a', torrent: bytes }).size).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid', fields: [{ field: 'torrent' }] });
      }
    }),
    { numRuns: 10_000 },
  );
});
