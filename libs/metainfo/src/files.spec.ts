import { type Encodable, encode } from '@pixtorrent/bencode';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MetainfoError } from './errors.ts';
import type { FileSystem } from './options.ts';
import { metainfoFromInfoBytes } from './parse.ts';

type Name = string | Uint8Array;

/** The paths of a folder `x` with these files of one byte, joined by `/`, or what it is refused for. */
function paths(
  files: (readonly Name[] | Record<string, Encodable>)[],
  fileSystem: FileSystem = 'any',
): string[] | string {
  const list = files.map((file) =>
    Array.isArray(file) ? { length: 1, path: file } : { length: 1, ...file },
  );
  const info = { name: 'x', 'piece length': 16384, pieces: new Uint8Array(20), files: list };
  try {
    return metainfoFromInfoBytes(encode(info as Encodable), {}, { fileSystem }).files.map((f) =>
      f.path.slice(1).join('/'),
    );
  } catch (error) {
    if (error instanceof MetainfoError) return `${error.code} at ${error.place}`;
    throw error;
  }
}

describe('paths', () => {
  it.each<[string, string]>([
    ['path-empty', ''],
    ['path-traversal', '.'],
    ['path-traversal', '..'],
    ['path-absolute', '/etc'],
    ['path-absolute', '\\\\server'],
    ['path-absolute', 'C:'],
    ['path-absolute', 'c:\\x'],
    ['path-absolute', 'c:/x'],
    ['path-separator', 'a/b'],
    ['path-separator', '../b'],
    ['path-separator', '..\\b'],
  ])('refuse %s: %j', (code, name) => {
    expect(paths([['fine', name]])).toBe(`${code} at info.files[0].path[1]`);
  });

  it('refuse a component above 255 bytes, also where only its safe form is', () => {
    expect(paths([['x'.repeat(255)]])).toEqual(['x'.repeat(255)]);
    for (const name of [
      'x'.repeat(256),
      'ä'.repeat(128),
      new Uint8Array(100).fill(0xff),
      `con.${'x'.repeat(251)}`,
    ]) {
      expect(paths([[name]])).toBe('path-too-long at info.files[0].path[0]');
    }
  });

  it.each<[string, string]>([
    ['a\u0000b\u001b\u009f\n', 'a_b___'],
    ['a<b>c:d"e|f?g*', 'a_b_c_d_e_f_g_'],
    ['name. .', 'name___'],
    ['... ', '____'],
    ['CON', '_CON'],
    ['nul.txt', '_nul.txt'],
    ['Com1', '_Com1'],
    ['LPT² .x', '_LPT² .x'],
    ['con:', 'con_'],
  ])('are made safe: %j becomes %j', (name, safe) => {
    expect(paths([[name]])).toEqual([safe]);
  });

  it.each(['.hidden', '...x', 'console', 'com10', 'ü 日本', '~', '-rf'])('keep %j', (name) => {
    expect(paths([[name]])).toEqual([name]);
  });

  it.each(['aux.c', 'Foo::Bar.3pm', 'trailing.', 'dev\\x2d', 'what?', 'C:'])(
    'keep %j where only POSIX matters',
    (name) => {
      expect(paths([[name]], 'posix')).toEqual([name]);
    },
  );

  it.each<[string, string]>([
    ['path-traversal', '..'],
    ['path-separator', 'a/b'],
    ['path-empty', ''],
    ['path-absolute', '/a'],
  ])('refuse %s on every file system: %j', (code, name) => {
    expect(paths([[name]], 'posix')).toBe(`${code} at info.files[0].path[0]`);
  });

  it('lose control characters on every file system', () => {
    expect(paths([['a\0b\n']], 'posix')).toEqual(['a_b_']);
  });

  it('show bytes that are not UTF-8 by their value', () => {
    expect(paths([[Uint8Array.of(0x61, 0xe4, 0xff)]])).toEqual(['a%E4%FF']);
  });

  it('prefer the UTF-8 form where a torrent has a valid one', () => {
    const local = Uint8Array.of(0xe4);
    expect(paths([{ path: [local], 'path.utf-8': ['ä'] }])).toEqual(['ä']);
    expect(paths([{ path: [local], 'path.utf-8': [local] }])).toEqual(['%E4']);
    expect(paths([{ path: ['a'], 'path.utf-8': ['..'] }])).toBe('path-traversal at info.files[0].path[0]');
  });

  it('are refused when they are empty, of another type, or beyond what a disk takes', () => {
    expect(paths([[]])).toBe('path-empty at info.files[0].path');
    expect(paths([{ path: 'a' }])).toBe('wrong-type at info.files[0].path');
    expect(paths([{ path: ['a', 1] }])).toBe('wrong-type at info.files[0].path[1]');
    expect(paths([Array(100).fill('a')])).toHaveLength(1);
    expect(paths([Array(101).fill('a')])).toBe('path-too-long at info.files[0].path');
    expect(paths([Array(12).fill('x'.repeat(255))])).toBe('path-too-long at info.files[0].path');
  });
});

describe('collisions', () => {
  it.each<[string, string[], string[]]>([
    ['path-duplicate', ['a', 'b'], ['a', 'b']],
    ['path-ambiguous', ['README'], ['readme']],
    ['path-ambiguous', ['A', 'f'], ['a', 'f']],
    ['path-ambiguous', ['é'], ['e\u0301']],
    ['path-ambiguous', ['σ'], ['ς']],
    ['path-file-and-folder', ['a'], ['a', 'b']],
    ['path-file-and-folder', ['a', 'b'], ['a']],
    ['path-file-and-folder', ['A', 'b', 'c'], ['a', 'B']],
  ])('%s: %j and %j', (code, first, second) => {
    expect(paths([['z'], first, second])).toBe(`${code} at info.files[2].path`);
  });

  it('come also from names that were made safe', () => {
    expect(paths([['a:b'], ['a_b']])).toBe('path-duplicate at info.files[1].path');
  });

  it('are fewer where only POSIX matters', () => {
    expect(paths([['README'], ['readme'], ['é'], ['e\u0301']], 'posix')).toHaveLength(4);
    expect(paths([['a'], ['a']], 'posix')).toBe('path-duplicate at info.files[1].path');
    expect(paths([['a'], ['a', 'b']], 'posix')).toBe('path-file-and-folder at info.files[1].path');
  });

  it('do not take one component for two', () => {
    expect(paths([['a', 'b'], ['ab'], ['a', 'c'], ['b', 'a']])).toHaveLength(4);
  });

  it('do not concern padding, whose path means nothing', () => {
    const padding = { attr: 'p', path: ['..', '/'] };
    expect(paths([['a'], padding, ['b'], padding])).toEqual(['a', '.pad/1', 'b', '.pad/1']);
  });
});

describe('any names', () => {
  const piece = fc.constantFrom(
    '.',
    '..',
    ' ',
    'con',
    'COM1',
    '\\',
    '/',
    ':',
    '\0',
    '\u202e',
    'a',
    'é',
    '\ud83d\ude00',
    'nul.',
    'C:',
  );
  const name = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.array(piece, { maxLength: 4 }).map((parts) => parts.join('')),
  );

  it('end up safe on every platform, or are refused', () => {
    let kept = 0;
    fc.assert(
      fc.property(fc.array(name, { maxLength: 3 }), (path) => {
        const result = paths([path]);
        if (typeof result === 'string') return;
        kept++;
        for (const part of result[0]!.split('/')) {
          expect(part).not.toMatch(/^$|[. ]$|[<>:"|?*\\]|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
          expect(part).not.toMatch(/[\u0000-\u001f\u007f]/);
          expect(Buffer.byteLength(part)).toBeLessThanOrEqual(255);
        }
        expect(result[0]!.split('/')).toHaveLength(path.length);
      }),
      { numRuns: 5000 },
    );
    expect(kept).toBeGreaterThan(500);
  });

  it('that are safe already are not changed by a second reading', () => {
    fc.assert(
      fc.property(name, (part) => {
        const once = paths([[part]]);
        if (typeof once !== 'string') expect(paths([[once[0]!]])).toEqual(once);
      }),
      { numRuns: 3000 },
    );
  });
});
