import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseTarget } from './request-target.ts';

it('has the parts of a path, decoded', () => {
  expect(parseTarget('/v1/content/a/%C3%BC%20x/?a=b?c')).toEqual({
    path: '/v1/content/a/%C3%BC%20x/',
    segments: ['v1', 'content', 'a', 'ü x'],
    folder: true,
    query: '?a=b?c',
  });
  expect(parseTarget('http://host:1/a')).toMatchObject({ path: '/a', segments: ['a'], folder: false });
  expect(parseTarget('/')).toMatchObject({ segments: [], folder: true });
});

it('gives back whatever was encoded, and nothing that leads elsewhere', () => {
  const part = fc.oneof(fc.string(), fc.constantFrom('.', '..', '', 'a/b', '\u0000', 'a\\b', '%2e', '...'));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const target = parseTarget(`/${parts.map(encodeURIComponent).join('/')}/`);
      const bad = (text: string) =>
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
        text === '' || text === '.' || text === '..' || /[/\u0000-\u001f\u007f]/.test(text);
      expect(target?.segments).toEqual(parts.some(bad) ? undefined : parts);
    }),
  );
});

it('is never a fault, whatever is sent', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'/%.2ef05?:ht') }));
  fc.assert(
    fc.property(text, (url) => {
      for (const one of [url, `/${url}`]) {
        const target = parseTarget(one);
        for (const segment of target?.segments ?? []) expect(['', '.', '..']).not.toContain(segment);
      }
    }),
  );
});
