import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hasLabels, labelFaults, sortedLabels } from './labels.ts';

it('counts bytes, not characters', () => {
  expect(labelFaults({ ['ä'.repeat(31)]: 'ä'.repeat(127), ['k'.repeat(63)]: 'v'.repeat(255) })).toEqual([]);
  expect(labelFaults({ ['ä'.repeat(32)]: '', ok: 'ä'.repeat(128) })).toEqual([
    { field: `labels.${'ä'.repeat(32)}`, reason: 'the key has 64 bytes, at most 63 are allowed' },
    { field: 'labels.ok', reason: 'the value has 256 bytes, at most 255 are allowed' },
  ]);
});

it('tells of each label that is wrong, by a name that can be printed', () => {
  const labels = { '': 'x', 'a\u001b[31m': '\ud800', '\udc00': '', fine: 'x', [`x${'y'.repeat(500)}`]: '' };
  const faults = labelFaults(labels);
  expect(faults.map(({ field }) => field)).toEqual([
    'labels.',
    'labels.a\ufffd[31m',
    'labels.\ufffd',
    `labels.x${'y'.repeat(55)}…`,
  ]);
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, '']));
  expect(labelFaults(many)).toEqual([{ field: 'labels', reason: 'there are 65, at most 64 are allowed' }]);
});

it('takes just what the contract says, whatever is tried', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 140 }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ minLength: 50, maxLength: 270 }),
    fc.constantFrom('__proto__', 'constructor', 'toString', ''),
  );
  const pairs = fc.array(fc.tuple(text, text), { maxLength: 70 });
  let taken = 0;
  fc.assert(
    fc.property(pairs, (given) => {
      const labels = Object.fromEntries(given);
      const isFit = (key: string, value: string) => {
        const bytes = new TextEncoder();
        const [keyLength, valueLength] = [bytes.encode(key).length, bytes.encode(value).length];
        return keyLength >= 1 && keyLength <= 63 && valueLength <= 255 && (key + value).isWellFormed();
      };
      const own = Object.entries(labels);
      const wrong = own.filter(([key, value]) => !isFit(key, value)).length;
      if (wrong === 0) taken++;
      expect(labelFaults(labels)).toHaveLength(own.length > 64 ? 1 : wrong);
    }),
    { numRuns: 10_000 },
  );
  expect(taken).toBeGreaterThan(100);
});

it('finds labels by what they say, and not by what every object has', () => {
  const word = fc.constantFrom('__proto__', 'constructor', 'a', 'b', '');
  const labels = fc.dictionary(word, word, { noNullPrototype: true });
  fc.assert(
    fc.property(labels, labels, (has, wanted) => {
      const there = sortedLabels(has).map(([key, value]) => `${key}=${value}`);
      const all = sortedLabels(wanted).every(([key, value]) => there.includes(`${key}=${value}`));
      expect(hasLabels(has, wanted)).toBe(all);
    }),
    { numRuns: 2000 },
  );
});
