import { encode } from '@pixtorrent/bencode';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMetainfo, type TorrentSource } from './create.ts';
import { encodeTorrent } from './encode-torrent.ts';
import { parseMetainfo } from './parse.ts';

const single: TorrentSource = {
  name: 'file.bin',
  content: 40_000,
  pieceLength: 16384,
  pieceHashes: new Uint8Array(60).fill(7),
};

const code = (expected: string, place: string) => expect.objectContaining({ code: expected, place });

describe('createMetainfo', () => {
  it('makes a single-file torrent in canonical form', () => {
    const bytes = createMetainfo({
      ...single,
      pieceHashes: new Uint8Array(60).fill(0x61),
      trackers: [['http://t/a']],
    });
    expect(Buffer.from(bytes).toString()).toBe(
      `d8:announce10:http://t/a4:infod6:lengthi40000e4:name8:file.bin12:piece lengthi16384e6:pieces60:${'a'.repeat(60)}ee`,
    );
  });

  it('makes a folder that reads back as it was given', () => {
    const torrent = parseMetainfo(
      createMetainfo({
        ...single,
        name: 'folder',
        content: [
          { path: ['bin', 'run'], length: 16_000, executable: true },
          { path: [], length: 384, padding: true },
          { path: ['.env'], length: 23_616, hidden: true },
        ],
        private: true,
        trackers: [['http://a/', 'udp://b:1'], ['https://c/']],
        webSeeds: ['http://s/', 'http://r/'],
        comment: 'hello',
        createdBy: 'PixTorrent',
        creationDate: 1_000_000_000,
      }),
    );
    expect(torrent).toMatchObject({
      name: 'folder',
      directory: true,
      private: true,
      trackers: [['http://a/', 'udp://b:1'], ['https://c/']],
      webSeeds: ['http://s/', 'http://r/'],
      comment: 'hello',
      createdBy: 'PixTorrent',
      creationDate: 1_000_000_000,
      pieceHashes: single.pieceHashes,
      files: [
        {
          path: ['folder', 'bin', 'run'],
          length: 16_000,
          offset: 0,
          executable: true,
          hidden: false,
          padding: false,
        },
        { path: ['folder', '.pad', '384'], length: 384, offset: 16_000, padding: true },
        { path: ['folder', '.env'], length: 23_616, offset: 16_384, executable: false, hidden: true },
      ],
    });
  });

  it.each([
    ['path-traversal', '..'],
    ['path-separator', 'a/b'],
    ['path-reserved', 'aux.c'],
    ['path-character', 'a:b'],
    ['path-trailing', 'a.'],
    ['path-control', 'a\n'],
    ['path-not-utf8', 'a\ud800'],
    ['path-empty', ''],
  ])('refuses a name that would not be kept, %s: %j', (expected, name) => {
    expect(() => createMetainfo({ ...single, name })).toThrow(code(expected, 'info.name'));
    const content = [{ path: ['fine', name], length: 40_000 }];
    expect(() => createMetainfo({ ...single, content })).toThrow(code(expected, 'info.files[0].path[1]'));
  });

  it('takes the names of Linux for Linux', () => {
    const torrent = createMetainfo({ ...single, name: 'aux.c', fileSystem: 'posix' });
    expect(parseMetainfo(torrent, { fileSystem: 'posix' }).name).toBe('aux.c');
    expect(parseMetainfo(torrent).name).toBe('_aux.c');
  });

  it('refuses URLs that a reader would leave out', () => {
    expect(() => createMetainfo({ ...single, trackers: [['http://a/'], ['b']] })).toThrow(
      code('bad-url', 'announce-list[1][0]'),
    );
    expect(() => createMetainfo({ ...single, webSeeds: ['udp://a:1'] })).toThrow(
      code('bad-url', 'url-list[0]'),
    );
  });

  it('refuses hashes that do not fit the lengths, and lengths that are none', () => {
    expect(() => createMetainfo({ ...single, pieceHashes: new Uint8Array(40) })).toThrow(
      code('piece-count', 'info.pieces'),
    );
    expect(() => createMetainfo({ ...single, content: -1 })).toThrow(code('out-of-range', 'info.length'));
    expect(() => createMetainfo({ ...single, content: 1.5 })).toThrow(RangeError);
    expect(() => createMetainfo({ ...single, content: 0, pieceHashes: new Uint8Array() })).toThrow(
      code('empty-content', 'info'),
    );
  });

  it('reads back whatever it made', () => {
    const name = fc.string({ minLength: 1, maxLength: 10, unit: 'grapheme' });
    const file = fc.record({ path: fc.array(name, { minLength: 1, maxLength: 3 }), length: fc.nat(100_000) });
    let made = 0;
    fc.assert(
      fc.property(name, fc.array(file, { minLength: 1, maxLength: 5 }), (title, content) => {
        const length = content.reduce((sum, f) => sum + f.length, 0);
        const pieceHashes = new Uint8Array(20 * Math.ceil(length / 16384));
        let bytes: Uint8Array;
        try {
          bytes = createMetainfo({ name: title, content, pieceLength: 16384, pieceHashes });
        } catch (error) {
          expect(error).toHaveProperty('place');
          return;
        }
        made++;
        const torrent = parseMetainfo(bytes);
        expect(torrent.files.map((f) => ({ path: f.path, length: f.length }))).toEqual(
          content.map((f) => ({ path: [title, ...f.path], length: f.length })),
        );
      }),
      { numRuns: 1000 },
    );
    expect(made).toBeGreaterThan(200);
  });
});

describe('encodeTorrent', () => {
  const original = parseMetainfo(
    encode({
      announce: 'http://old/',
      nodes: [['router', 6881]],
      info: { name: 'a', length: 5000, 'piece length': 16384, pieces: new Uint8Array(20), source: 'kept' },
    }),
  );

  it('keeps the info hash and unknown keys, and changes what it is told to', () => {
    const bytes = encodeTorrent({ ...original, trackers: [['http://new/']], comment: 'moved' });
    const torrent = parseMetainfo(bytes);
    expect(torrent.infoHash).toEqual(original.infoHash);
    expect(torrent).toMatchObject({ trackers: [['http://new/']], comment: 'moved', extra: original.extra });
    expect(torrent.extra?.has('nodes')).toBe(true);
    expect(Buffer.from(bytes).includes('6:source4:kept')).toBe(true);
  });

  it('keeps every tracker of a single tier', () => {
    const trackers = [['http://a/', 'http://b/']];
    expect(parseMetainfo(encodeTorrent({ ...original, trackers })).trackers).toEqual(trackers);
  });

  it('writes a file from the info dictionary alone', () => {
    const torrent = parseMetainfo(encodeTorrent({ infoBytes: original.infoBytes }));
    expect(torrent.infoHash).toEqual(original.infoHash);
    expect(torrent.trackers).toEqual([]);
  });
});
