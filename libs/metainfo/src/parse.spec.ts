import { readFileSync } from 'node:fs';
import { type Encodable, encode } from '@pixtorrent/bencode';
import { toHex } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeTorrent } from './encode-torrent.ts';
import { MetainfoError } from './errors.ts';
import type { Metainfo } from './metainfo.ts';
import type { MetainfoOptions } from './options.ts';
import { metainfoFromInfoBytes, parseMetainfo } from './parse.ts';

/** Torrent files by libtorrent 2.0.8 and Transmission 3.00, which also gave the info hashes below. */
const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.torrent`, import.meta.url));

const info = (fields: Record<string, Encodable | undefined> = {}) => ({
  name: 'file.bin',
  'piece length': 16384,
  length: 40_000,
  pieces: new Uint8Array(60),
  ...fields,
});

function failure(bytes: Uint8Array, options?: MetainfoOptions): string {
  try {
    parseMetainfo(bytes, options);
  } catch (error) {
    if (error instanceof MetainfoError) return `${error.code} at ${error.place}`;
    throw error;
  }
  return 'none';
}

const infoFailure = (fields: Record<string, Encodable | undefined>, options?: MetainfoOptions) =>
  failure(encode({ info: info(fields) }), options);

describe('torrent files of other programs', () => {
  it('reads a folder, with all that stands beside it', () => {
    const torrent = parseMetainfo(fixture('v1-folder'));
    expect(toHex(torrent.infoHash)).toBe('74d06eedd42fd0bdbde4a1e47ec6e9f4bc977a78');
    expect(torrent).toMatchObject({
      name: 'root',
      directory: true,
      pieceLength: 16384,
      pieceCount: 5,
      length: 66_010,
      private: true,
      hybrid: false,
      trackers: [
        ['http://tracker.example:6969/announce', 'udp://tracker.example:6969'],
        ['https://backup.example/announce'],
      ],
      webSeeds: ['http://seed.example/files/'],
      comment: 'a test',
      createdBy: 'libtorrent',
      creationDate: 1795363584,
    });
    expect(torrent.pieceHashes.length).toBe(100);
    expect(torrent.files.map((f) => [f.path.join('/'), f.offset, f.length, f.executable])).toEqual([
      ['root/run.sh', 0, 10, true],
      ['root/a.bin', 10, 40_000, false],
      ['root/empty', 40_010, 0, false],
      ['root/sub/b.txt', 40_010, 6000, false],
      ['root/sub/ünï.txt', 46_010, 20_000, false],
    ]);
  });

  it('reads a single file', () => {
    const torrent = parseMetainfo(fixture('transmission-file'));
    expect(toHex(torrent.infoHash)).toBe('2606466c4f0f3cba8330aa3e1a3e7d1e147a9d48');
    expect(torrent).toMatchObject({ name: 'one.bin', directory: false, length: 100_000, private: false });
    expect(torrent.files.map((f) => f.path)).toEqual([['one.bin']]);
  });

  it('reads the version 1 half of a hybrid, its padding as padding', () => {
    const torrent = parseMetainfo(fixture('hybrid-folder'));
    expect(toHex(torrent.infoHash)).toBe('0fa66850e00ce82dcb7ad5dd088bbc1f19c67604');
    expect(torrent).toMatchObject({ hybrid: true, pieceCount: 7, length: 114_688 });
    expect(torrent.files.filter((f) => !f.padding).map((f) => [f.path.join('/'), f.offset])).toEqual([
      ['root/a.bin', 0],
      ['root/empty', 49_152],
      ['root/run.sh', 49_152],
      ['root/sub/b.txt', 65_536],
      ['root/sub/ünï.txt', 81_920],
    ]);
    expect(torrent.files.filter((f) => f.padding).map((f) => f.length)).toEqual([9152, 16374, 10384, 12768]);
  });

  it('refuses version 2 alone and symbolic links by name', () => {
    expect(failure(fixture('v2-folder'))).toBe('v2-only at info');
    expect(failure(fixture('symlink'))).toBe('symlink at info.files[3].attr');
  });

  it.each(['v1-folder', 'hybrid-folder', 'transmission-file'])('writes %s back byte for byte', (name) => {
    const bytes = fixture(name);
    expect(Buffer.compare(encodeTorrent(parseMetainfo(bytes)), bytes)).toBe(0);
  });
});

describe('parseMetainfo', () => {
  it('keeps nothing of the memory it was given', () => {
    const bytes = Uint8Array.from(fixture('v1-folder'));
    const torrent = parseMetainfo(bytes);
    const hashes = toHex(torrent.pieceHashes);
    bytes.fill(0);
    expect(toHex(torrent.pieceHashes)).toBe(hashes);
    expect(toHex(metainfoFromInfoBytes(torrent.infoBytes).infoHash)).toBe(toHex(torrent.infoHash));
  });

  it('takes the hash over the bytes as they stand, sorted or not', () => {
    const sorted = 'd6:lengthi1024e4:name1:a12:piece lengthi1024e6:pieces20:aaaaaaaaaaaaaaaaaaaae';
    const unsorted = 'd4:name1:a6:lengthi1024e12:piece lengthi1024e6:pieces20:aaaaaaaaaaaaaaaaaaaae';
    const file = (text: string) => Buffer.from(`d4:info${text}e`);
    expect(failure(file(sorted))).toBe('none');
    expect(failure(file(unsorted))).toBe('not-bencode at byte 17');
    const torrent = parseMetainfo(file(unsorted), { unsortedKeys: 'accept' });
    expect(Buffer.from(torrent.infoBytes).toString()).toBe(unsorted);
    expect(toHex(torrent.infoHash)).not.toBe(toHex(parseMetainfo(file(sorted)).infoHash));
  });

  it('tells the place and the reason in words', () => {
    expect(() => parseMetainfo(encode({ info: info({ pieces: new Uint8Array(40) }) }))).toThrow(
      'info.pieces: 2 digests, but 40000 bytes in pieces of 16384 are 3',
    );
    expect(() => parseMetainfo(Buffer.from('<!doctype html>'))).toThrow(
      'byte 0: no value begins with this byte',
    );
  });

  it.each<[string, Record<string, Encodable | undefined>]>([
    ['missing at info.name', { name: undefined }],
    ['missing at info.length', { length: undefined }],
    ['missing at info.piece length', { 'piece length': undefined }],
    ['missing at info.pieces', { pieces: undefined }],
    ['wrong-type at info.name', { name: 7 }],
    ['wrong-type at info.length', { length: '40000' }],
    ['wrong-type at info.pieces', { pieces: [] }],
    ['wrong-type at info.files', { length: undefined, files: 1 }],
    ['wrong-type at info.files[0]', { length: undefined, files: ['a'] }],
    ['out-of-range at info.length', { length: -1 }],
    ['out-of-range at info.length', { length: 2n ** 63n }],
    ['out-of-range at info.piece length', { 'piece length': -16384 }],
    ['piece-length at info.piece length', { 'piece length': 0 }],
    ['piece-length at info.piece length', { 'piece length': 1023 }],
    ['piece-length at info.piece length', { 'piece length': 64 * 2 ** 20 + 1 }],
    ['piece-count at info.pieces', { pieces: new Uint8Array(59) }],
    ['piece-count at info.pieces', { pieces: new Uint8Array(40) }],
    ['piece-count at info.pieces', { pieces: new Uint8Array(80) }],
    ['piece-count at info.pieces', { length: Number.MAX_SAFE_INTEGER }],
    ['empty-content at info', { length: 0, pieces: '' }],
    ['empty-content at info.files', { length: undefined, files: [] }],
    ['empty-content at info', { length: undefined, pieces: '', files: [{ length: 0, path: ['a'] }] }],
    ['conflict at info', { files: [{ length: 40_000, path: ['a'] }] }],
    ['v2-only at info', { 'meta version': 2, pieces: undefined }],
    ['v2-only at info', { 'file tree': {}, length: undefined }],
    ['symlink at info.attr', { attr: 'l' }],
  ])('refuses: %s', (expected, fields) => {
    expect(infoFailure(fields)).toBe(expected);
  });

  it('refuses lengths that add up to more than a number holds', () => {
    const half = { length: 2 ** 52, path: ['a'] };
    const files = [half, { ...half, path: ['b'] }];
    expect(infoFailure({ length: undefined, files })).toBe('out-of-range at info.files[1].length');
  });

  it('refuses what is no dictionary where one has to be', () => {
    expect(failure(encode([1]))).toBe('wrong-type at torrent');
    expect(failure(encode({}))).toBe('missing at info');
    expect(failure(encode({ info: 'x' }))).toBe('wrong-type at info');
    expect(() => metainfoFromInfoBytes(encode([]))).toThrow(MetainfoError);
  });

  it('holds its limits', () => {
    const file = (name: string) => ({ length: 20_000, path: [name] });
    const files = { length: undefined, files: [file('a'), file('b')] };
    expect(infoFailure(files, { maxFiles: 2 })).toBe('none');
    expect(infoFailure(files, { maxFiles: 1 })).toBe('too-many-files at info.files');
    expect(infoFailure({}, { maxPieces: 3 })).toBe('none');
    expect(infoFailure({}, { maxPieces: 2 })).toBe('too-many-pieces at info.pieces');
    expect(infoFailure({}, { maxPieceLength: 8192 })).toBe('piece-length at info.piece length');
    expect(infoFailure({}, { maxBytes: 100 })).toBe('too-large at torrent');
    expect(failure(Buffer.from('l'.repeat(100_000)))).toBe('too-large at byte 128');
  });

  it('takes 1 TB in 5 MB of metainfo', () => {
    const pieceLength = 4 * 2 ** 20;
    const pieceCount = Math.ceil(1e12 / pieceLength);
    const bytes = encode({
      info: info({ length: 1e12, 'piece length': pieceLength, pieces: new Uint8Array(20 * pieceCount) }),
    });
    expect(parseMetainfo(bytes)).toMatchObject({ length: 1e12, pieceCount });
  });

  it('takes a piece length that is no power of two', () => {
    expect(
      parseMetainfo(encode({ info: info({ 'piece length': 20_000, pieces: new Uint8Array(40) }) })),
    ).toMatchObject({ pieceLength: 20_000, pieceCount: 2 });
  });

  it.each([
    [1, true],
    [0, false],
    [2, true],
    [-1, true],
    ['1', false],
  ])('private %j means %s', (value, expected) => {
    expect(parseMetainfo(encode({ info: info({ private: value }) })).private).toBe(expected);
  });

  it('leaves out what is malformed beside the info dictionary, and makes text safe to show', () => {
    const torrent = parseMetainfo(
      encode({
        announce: 5,
        'announce-list': [['ftp://x/', 'http://a/announce'], 'http://b/announce', [['http://c/']], []],
        comment: 'a\u001b[31mb',
        'created by': ['x'],
        'creation date': -5,
        'url-list': ['http://seed/', 7, 'javascript:alert(1)'],
        info: info(),
      }),
    );
    expect(torrent).toMatchObject({
      trackers: [['http://a/announce'], ['http://b/announce']],
      webSeeds: ['http://seed/'],
      comment: 'a\ufffd[31mb',
    });
    expect(torrent).not.toHaveProperty('createdBy');
    expect(torrent).not.toHaveProperty('creationDate');
  });

  it('falls back on announce where the list has no valid URL', () => {
    const torrent = { announce: 'http://a/', 'announce-list': [['nonsense']], info: info() };
    expect(parseMetainfo(encode(torrent)).trackers).toEqual([['http://a/']]);
  });
});

describe('metainfoFromInfoBytes', () => {
  it('gives what the torrent file would, with the trackers of the link', () => {
    const whole = parseMetainfo(fixture('v1-folder'));
    const torrent = metainfoFromInfoBytes(whole.infoBytes, {
      trackers: [['udp://t:1'], ['x']],
      webSeeds: ['http://s/'],
    });
    expect(torrent.infoHash).toEqual(whole.infoHash);
    expect(torrent.files).toEqual(whole.files);
    expect(torrent.trackers).toEqual([['udp://t:1']]);
    expect(torrent.webSeeds).toEqual(['http://s/']);
  });

  it('refuses what a torrent file would be refused for', () => {
    expect(() => metainfoFromInfoBytes(encode(info({ name: '..' })))).toThrow(
      expect.objectContaining({ code: 'path-traversal', place: 'info.name' }),
    );
  });
});

/** What the rest of the program relies on, whatever the bytes were. */
function assertSound(torrent: Metainfo): void {
  let offset = 0;
  for (const file of torrent.files) {
    if (file.offset !== offset || !Number.isSafeInteger(file.length) || file.length < 0)
      throw new Error('offset');
    offset += file.length;
    if (file.path.some((name) => /^\.{0,2}$|[/\\]/.test(name) || name.includes('\0')))
      throw new Error('path');
    if (file.path[0] !== torrent.name) throw new Error('name');
  }
  if (offset !== torrent.length || offset === 0) throw new Error('length');
  if (torrent.pieceCount !== Math.ceil(offset / torrent.pieceLength)) throw new Error('pieces');
  if (torrent.pieceHashes.length !== 20 * torrent.pieceCount) throw new Error('hashes');
}

function refusedOrSound(bytes: Uint8Array): boolean {
  try {
    assertSound(parseMetainfo(bytes, { unsortedKeys: 'accept' }));
    return true;
  } catch (error) {
    if (!(error instanceof MetainfoError) || error.place === '') throw error;
    return false;
  }
}

describe('any bytes', () => {
  const originals = ['v1-folder', 'hybrid-folder', 'transmission-file', 'v2-folder'].map((n) =>
    Uint8Array.from(fixture(n)),
  );

  it('with flipped bits are refused or sound', () => {
    let sound = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...originals),
        fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
        (whole, flips) => {
          const bytes = Uint8Array.from(whole);
          for (const flip of flips) bytes[(flip >>> 3) % bytes.length]! ^= 1 << (flip & 7);
          if (refusedOrSound(bytes)) sound++;
        },
      ),
      { numRuns: 5000 },
    );
    expect(sound).toBeGreaterThan(100);
  });

  it('cut short are refused', () => {
    for (const whole of originals) {
      for (let length = 0; length < whole.length; length++)
        expect(refusedOrSound(whole.subarray(0, length))).toBe(false);
    }
  });

  it('of no sense are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(refusedOrSound(bytes)).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });

  /** Values of the right and of wrong types under the keys that mean something. */
  const odd: fc.Arbitrary<Encodable> = fc.oneof(
    fc.constantFrom<Encodable>(
      0,
      -1,
      1,
      16384,
      2 ** 53 - 1,
      2n ** 64n,
      '',
      '.',
      '..',
      '/',
      'x',
      'C:',
      [],
      {},
      ['a'],
      [['a']],
    ),
    fc.uint8Array({ maxLength: 8 }),
    fc.string({ maxLength: 8 }),
  );
  const field = (usual: Encodable) =>
    fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });
  const listed = fc.record(
    {
      length: field(1000),
      path: fc.oneof(
        fc.array(fc.oneof(fc.constantFrom('a', 'A', 'b', 'con', 'x.'), odd), { maxLength: 3 }),
        odd,
      ),
      attr: fc.constantFrom('p', 'x', 'h', 'l', ''),
      'path.utf-8': field(['u']),
    },
    { requiredKeys: ['length', 'path'] },
  );
  const folder = fc.record(
    {
      info: fc.record(
        {
          files: fc.oneof(fc.array(listed, { maxLength: 3 }), odd),
          name: field('folder'),
          'name.utf-8': field('folder'),
          'piece length': field(16384),
          pieces: field(new Uint8Array(20)),
          private: odd,
          'meta version': field(2),
        },
        { requiredKeys: ['files', 'name', 'piece length', 'pieces'] },
      ),
      announce: odd,
      'announce-list': odd,
      'url-list': odd,
      comment: odd,
    },
    { requiredKeys: ['info'] },
  );

  it('with the keys of a torrent and values of any type are refused or sound', () => {
    let sound = 0;
    fc.assert(
      fc.property(folder, (torrent) => {
        if (refusedOrSound(encode(torrent as Encodable))) sound++;
      }),
      { numRuns: 5000 },
    );
    expect(sound).toBeGreaterThan(100);
  });
});
