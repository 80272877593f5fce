import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nameFault } from './draft/name.ts';
import { orderKey, placeOf } from './entry-order.ts';

const name = fc
  .string({ unit: fc.constantFrom(...'ab0-_./'), minLength: 1, maxLength: 8 })
  .filter((text) => nameFault(text) === undefined);
const place = fc.record({ name, version: fc.integer({ min: 1, max: 2 ** 32 - 1 }) });

it('sorts by name, then by version, in bytes as well as in text', () => {
  fc.assert(
    fc.property(place, place, (a, b) => {
      const byBytes = Buffer.compare(Buffer.from(orderKey(a)), Buffer.from(orderKey(b)));
      const byPlace = a.name === b.name ? Math.sign(a.version - b.version) : a.name < b.name ? -1 : 1;
      expect(byBytes).toBe(byPlace);
      expect(orderKey(a) < orderKey(b)).toBe(byPlace < 0);
      expect(placeOf(orderKey(a))).toEqual(a);
    }),
    { numRuns: 5000 },
  );
});
