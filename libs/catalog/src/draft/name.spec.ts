import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_NAME_LENGTH, nameFault } from './name.ts';

it('takes the names that people give', () => {
  const names = ['a', '7', 'llama-3.1', 'models/llama-3.1/70b_q4', 'a.b/c', 'x'.repeat(MAX_NAME_LENGTH)];
  expect(names.map(nameFault)).toEqual(names.map(() => undefined));
});

it.each([
  ['', 'is missing'],
  ['x'.repeat(254), 'has 254 characters'],
  ['Llama', 'has to be of a-z'],
  ['/a', 'beginning and ending'],
  ['a/', 'beginning and ending'],
  ['-', 'beginning and ending'],
  ['a\n', 'has to be of'],
  ['a\0b', 'has to be of'],
  ['ä', 'has to be of'],
  ['a/../b', 'has ".."'],
  ['a..b', 'has ".."'],
  ['a//b', 'has "//"'],
])('refuses %j', (name, reason) => {
  expect(nameFault(name)).toContain(reason);
});

it('takes just what the contract says, whatever is tried', () => {
  const letters = [...'abz09-_./'];
  const near = fc
    .array(fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...letters) }, fc.string({ unit: 'binary' })), {
      maxLength: 260,
    })
    .map((parts) => parts.join(''));
  const ends = new Set('abcdefghijklmnopqrstuvwxyz0123456789');
  const inner = new Set([...ends, '-', '_', '.', '/']);
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(near, fc.string({ unit: 'binary', maxLength: 300 })), (text) => {
      const isName =
        text.length >= 1 &&
        text.length <= 253 &&
        [...text].every((letter) => inner.has(letter)) &&
        ends.has(text[0]!) &&
        ends.has(text.at(-1)!) &&
        text.split('..').length === 1 &&
        text.split('//').length === 1;
      if (isName) taken++;
      expect(nameFault(text) === undefined).toBe(isName);
    }),
    { numRuns: 20_000 },
  );
  expect(taken).toBeGreaterThan(100);
});
