import { nameFault } from '@pixtorrent/catalog';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatPageToken, parsePageToken } from './page-token.ts';

const alphanumeric = fc.constantFrom(...'abcxyz0189');
const name = fc
  .array(fc.oneof(alphanumeric, fc.constantFrom(...'-_./')), { minLength: 1, maxLength: 253 })
  .map((letters) => letters.join(''))
  .filter((text) => nameFault(text) === undefined);
const version = fc.integer({ min: 1, max: 2 ** 32 - 1 });

it('is read back as it was written', () => {
  fc.assert(
    fc.property(name, version, (of, number) => {
      const place = { name: of, version: number };
      expect(parsePageToken(formatPageToken(place))).toEqual(place);
    }),
    { numRuns: 1000 },
  );
  const longest = { name: 'a'.repeat(253), version: 2 ** 32 - 1 };
  expect(parsePageToken(formatPageToken(longest))).toEqual(longest);
});

it('is nothing, or just what it is written as, whatever comes in its place', () => {
  const genuine = fc
    .tuple(name, version)
    .map(([of, number]) => formatPageToken({ name: of, version: number }));
  const bent = fc
    .tuple(genuine, fc.nat(), fc.constantFrom('', '=', '+', '/', ' ', 'A', 'é', '\0'))
    .map(([token, at, letter]) => {
      const place = at % (token.length + 1);
      return token.slice(0, place) + letter + token.slice(place + (at % 2));
    });
  const garbage = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.base64String(),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from([1, ...bytes]).toString('base64url')),
    bent,
  );
  let refused = 0;
  fc.assert(
    fc.property(garbage, (token) => {
      const place = parsePageToken(token);
      if (place === undefined) refused++;
      else {
        expect(formatPageToken(place)).toBe(token);
        expect(nameFault(place.name)).toBeUndefined();
      }
    }),
    { numRuns: 20_000 },
  );
  expect(refused).toBeGreaterThan(10_000);
});
