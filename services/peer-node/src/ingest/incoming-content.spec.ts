import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTorrent, FILE_SYSTEM } from '@pixtorrent/client';
import { toHex } from '@pixtorrent/core';
import { createMetainfo, parseMetainfo } from '@pixtorrent/metainfo';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IngestErrorCode } from './errors.ts';
import { IncomingContent, type IncomingOptions } from './incoming-content.ts';
import { PieceHashes } from './piece-hashes.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'incoming-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function* chunks(...parts: (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

function incoming(options: Partial<IncomingOptions> = {}): IncomingContent {
  return new IncomingContent({
    folder,
    name: 'c',
    directory: true,
    size: undefined,
    maxSize: 1_000_000,
    pieceLength: undefined,
    ...options,
  });
}

function refusal(code: IngestErrorCode, message: RegExp) {
  return expect.objectContaining({ code, message: expect.stringMatching(message) });
}

describe('PieceHashes', () => {
  it('equals the hash of each piece, however the bytes are cut', () => {
    const cuts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 });
    fc.assert(
      fc.property(cuts, fc.integer({ min: 1, max: 50 }), (parts, pieceLength) => {
        const hashes = new PieceHashes(pieceLength);
        for (const part of parts) hashes.update(part);
        const all = Buffer.concat(parts);
        const expected = [];
        for (let at = 0; at < all.length; at += pieceLength)
          expected.push(
            createHash('sha1')
              .update(all.subarray(at, at + pieceLength))
              .digest(),
          );
        expect(toHex(hashes.finish())).toBe(toHex(Buffer.concat(expected)));
      }),
    );
  });
});

describe('IncomingContent', () => {
  it.each(['..', '.', '', '../c', '/etc', 'a\\b', 'a\0', '.pixtorrent', 'x'.repeat(256)])(
    'refuses the name %j for the whole',
    (name) => {
      expect(() => incoming({ name })).toThrow(refusal('invalid', /./));
    },
  );

  it('gives the torrent that hashing the folder gives, from bytes that come once', async () => {
    const big = Buffer.alloc(300_000, 'x');
    const content = incoming({ size: 300_011 });
    await content.file(['a', 'x'], chunks('one', ' two'));
    await content.file(['a', 'y'], chunks(big.subarray(0, 70_000), big.subarray(70_000)), true);
    await content.file(['b'], chunks('last'));
    const { content: files, hashes, size } = content.finish();
    expect(size).toBe(300_011);
    const torrent = createMetainfo({
      name: 'c',
      content: files,
      pieceLength: hashes!.pieceLength,
      pieceHashes: hashes!.finish(),
      fileSystem: FILE_SYSTEM,
    });
    const expected = parseMetainfo(await createTorrent(join(folder, 'c')));
    expect(toHex(parseMetainfo(torrent).infoHash)).toBe(toHex(expected.infoHash));
    expect(await readFile(join(folder, 'c', 'a', 'y'))).toEqual(big);
  });

  it('has files that came in another order sorted, and hashed from the disk', async () => {
    const content = incoming({ size: 2 });
    await content.file(['b'], chunks('b'));
    await content.file(['a'], chunks('a'));
    const { content: files, hashes } = content.finish();
    expect(hashes).toBeUndefined();
    expect(files).toMatchObject([{ path: ['a'] }, { path: ['b'] }]);
  });

  it('takes a single file, of a size that nobody said', async () => {
    const content = incoming({ directory: false });
    await content.file([], chunks('bytes'));
    expect(content.finish()).toEqual({ content: 5, size: 5, hashes: undefined });
    expect(await readFile(join(folder, 'c'), 'utf8')).toBe('bytes');
  });

  it.each([
    [['..', 'x']],
    [['a', '..']],
    [['']],
    [['.']],
    [['a/b']],
    [['a\0b']],
    [['a\\b']],
    [['.pixtorrent', 'x']],
    [['x'.repeat(256)]],
    [Array.from({ length: 101 }, () => 'd')],
  ])('refuses the path %j', async (path) => {
    await expect(incoming().file(path, chunks('x'))).rejects.toEqual(refusal('invalid', /./));
  });

  it('refuses what comes twice, and what comes below a file', async () => {
    const content = incoming();
    await content.file(['a'], chunks('x'));
    const twice = refusal('invalid', /comes twice/);
    await expect(content.file(['a'], chunks('y'))).rejects.toEqual(twice);
    await expect(content.file(['a', 'b'], chunks('y'))).rejects.toBeInstanceOf(Error);
    expect(await readFile(join(folder, 'c', 'a'), 'utf8')).toBe('x');
  });

  it('stops at its bounds: what this node takes, and what was said', async () => {
    const endless = (async function* () {
      for (;;) yield Buffer.alloc(1000);
    })();
    await expect(incoming({ maxSize: 10_500 }).file(['e'], endless)).rejects.toEqual(
      refusal('too-large', /10500/),
    );
    const more = refusal('invalid', /more than the 3 bytes/);
    await expect(incoming({ size: 3 }).file(['m'], chunks('four'))).rejects.toEqual(more);
    expect(() => incoming({ size: 11, maxSize: 10 })).toThrow(refusal('too-large', /10/));
    const short = incoming({ size: 3 });
    await short.file(['s'], chunks('no'));
    expect(() => short.finish()).toThrow(refusal('interrupted', /2 of 3/));
    expect(() => incoming().finish()).toThrow(refusal('invalid', /no bytes/));
  });
});
