import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeFileOf, writeTree } from '../support/content.ts';
import { scoped } from '../support/scope.ts';
import { events, pixtorrent } from './command.ts';

const HASH = '01234567890123456789';
const info = (fields: string) => `d4:info${fields}e`;

const malformed: Readonly<Record<string, readonly [torrent: string, place: RegExp]>> = {
  'no bencode': ['hello', /byte 0/],
  'an end in the middle': ['d4:infod6:length', /byte 16/],
  'a string of 99,999,999,999 bytes': ['d4:info99999999999:x', /byte \d+/],
  'lists in lists': ['l'.repeat(100_000), /byte \d+/],
  'a path that climbs out': [
    info(`d5:filesld6:lengthi1e4:pathl2:..6:passwdeee4:name1:a12:piece lengthi16384e6:pieces20:${HASH}e`),
    /info\.files\[0\]\.path\[0\]/,
  ],
  'an absolute name': [
    info(`d6:lengthi1e4:name4:/etc12:piece lengthi16384e6:pieces20:${HASH}e`),
    /info\.name/,
  ],
  'pieces of no length': [
    info(`d6:lengthi1e4:name1:a12:piece lengthi0e6:pieces20:${HASH}e`),
    /info\.piece length/,
  ],
  'too few hashes': [
    info(`d6:lengthi99999e4:name1:a12:piece lengthi16384e6:pieces20:${HASH}e`),
    /info\.pieces/,
  ],
};

it.each(Object.entries(malformed))(
  'refuses a torrent with %s by one line, and writes nothing',
  (_, [torrent, place]) =>
    scoped(async (scope) => {
      const folder = await scope.folder();
      const path = join(folder, 'bad.torrent');
      await writeFile(path, torrent);
      for (const command of [
        ['inspect', path],
        ['get', path, '--dir', join(folder, 'target')],
      ]) {
        const { code, stdout, stderr } = await pixtorrent(command);
        expect(code).toBe(1);
        expect(stdout).toBe('');
        expect(stderr).toMatch(/^pixtorrent: [^\n]*bad\.torrent: [^\n]+\n$/);
        expect(stderr).toMatch(place);
      }
      const json = await pixtorrent(['inspect', path, '--json']);
      expect(json.code).toBe(1);
      expect(events(json.stdout)).toEqual([
        { event: 'error', code: expect.any(String), message: expect.stringMatching(place) },
      ]);
    }),
);

it.each([
  [[]],
  [['unknown']],
  [['get']],
  [['get', 'x.torrent', '--unknown']],
  [['get', 'x.torrent', '--peer', 'nowhere']],
  [['get', 'x.torrent', '--port', '65536']],
  [['get', 'x.torrent', '--port', '1', '--port', '2']],
  [['get', 'x.torrent', '--download-rate', 'fast']],
  [['get', 'x.torrent', 'y.torrent']],
  [['create', 'x', '--piece-length', '20000']],
  [['verify', 'magnet:?xt=urn:btih:0123456789012345678901234567890123456789']],
  [['demo', '--nodes', '0']],
])('%j is wrong usage: exit code 2, one line', async (args) => {
  const { code, stdout, stderr } = await pixtorrent(args);
  expect(code, stderr).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^pixtorrent: [^\n]+\n$/);
});

it('a wrong PIXTORRENT_WIRE is wrong usage too', async () => {
  const { code, stderr } = await pixtorrent(['get', 'x.torrent'], { PIXTORRENT_WIRE: 'carrier pigeon' });
  expect(code).toBe(2);
  expect(stderr).toContain('PIXTORRENT_WIRE');
});

it('names the file that is not there', async () => {
  for (const args of [
    ['inspect', '/no/such.torrent'],
    ['create', '/no/such.torrent'],
  ]) {
    const { code, stderr } = await pixtorrent(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^pixtorrent: [^\n]*\/no\/such\.torrent[^\n]*\n$/);
  }
});

it('verify lists what is missing, short, long and bad', () =>
  scoped(async (scope) => {
    const folder = await scope.folder();
    const tree = join(folder, 'tree');
    const torrent = join(folder, 'tree.torrent');
    await writeTree(tree, {
      'good.bin': 65_536,
      'bad.bin': 65_536,
      'gone.bin': 65_536,
      empty: 0,
      'short.bin': 65_536,
    });
    expect((await pixtorrent(['create', tree, '--out', torrent, '--piece-length', '16KiB'])).code).toBe(0);
    await writeFileOf(join(tree, 'bad.bin'), 'others', 65_536);
    await rm(join(tree, 'gone.bin'));
    await appendFile(join(tree, 'empty'), 'x');
    await writeFile(join(tree, 'short.bin'), 'x');
    const { code, stdout } = await pixtorrent(['verify', torrent, '--dir', folder, '--json']);
    expect(code).toBe(1);
    expect(events(stdout)).toEqual([
      expect.objectContaining({
        event: 'verified',
        whole: false,
        pieces: 4,
        pieceCount: 16,
        bad: [
          { path: 'tree/bad.bin', fault: 'bad', pieces: 4 },
          { path: 'tree/empty', fault: 'too long', pieces: 0 },
          { path: 'tree/gone.bin', fault: 'missing', pieces: 4 },
          { path: 'tree/short.bin', fault: 'too short', pieces: 4 },
        ],
      }),
      expect.objectContaining({ event: 'error', code: 'not-whole' }),
    ]);
    const people = await pixtorrent(['verify', torrent, '--dir', folder]);
    expect(people.stdout).toContain('missing      tree/gone.bin');
    expect(people.stderr).toContain('4 of 16 pieces');
  }));

it('create makes the same file again, and overwrites another one only by force', () =>
  scoped(async (scope) => {
    const folder = await scope.folder();
    const file = join(folder, 'content.bin');
    const out = ['--out', join(folder, 'content.torrent')];
    await writeFileOf(file, 'x', 100_000);
    expect((await pixtorrent(['create', file, ...out])).code).toBe(0);
    expect((await pixtorrent(['create', file, ...out])).code).toBe(0);
    const other = ['create', file, ...out, '--comment', 'another'];
    const refused = await pixtorrent(other);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('content.torrent');
    expect((await pixtorrent([...other, '--force'])).code).toBe(0);
    const shown = await pixtorrent(['inspect', join(folder, 'content.torrent')]);
    expect(shown.stdout).toMatch(/comment +another/);
  }));

it('what create is told is in the torrent', () =>
  scoped(async (scope) => {
    const folder = await scope.folder();
    const file = join(folder, 'content.bin');
    await writeFileOf(file, 'x', 100_000);
    const out = join(folder, 'x.torrent');
    const made = await pixtorrent([
      ...['create', file, '--out', out, '--name', 'renamed.bin', '--private', '--piece-length', '32KiB'],
      ...['--tracker', 'http://a.example/announce', '--tracker', 'udp://b.example:1'],
      ...['--webseed', 'https://c.example/x', '--comment', 'words', '--json'],
    ]);
    expect(made.code, made.stderr).toBe(0);
    const { infoHash, magnet } = events(made.stdout)[0]!;
    const shown = await pixtorrent(['inspect', out, '--json']);
    expect(events(shown.stdout)).toEqual([
      {
        event: 'torrent',
        infoHash,
        magnet,
        name: 'renamed.bin',
        length: 100_000,
        pieceLength: 32_768,
        pieces: 4,
        private: true,
        hybrid: false,
        trackers: [['http://a.example/announce'], ['udp://b.example:1']],
        webSeeds: ['https://c.example/x'],
        comment: 'words',
        createdBy: expect.stringMatching(/^PixTorrent/),
        files: [{ path: 'renamed.bin', length: 100_000 }],
      },
    ]);
    const link = await pixtorrent(['inspect', String(magnet), '--json']);
    expect(events(link.stdout)).toEqual([
      expect.objectContaining({ event: 'magnet', infoHash, name: 'renamed.bin' }),
    ]);
  }));
