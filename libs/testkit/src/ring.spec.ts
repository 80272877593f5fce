import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from './ring.ts';

describe('Ring', () => {
  it('behaves as an array under any run of pushes and shifts', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 300 }), (steps) => {
        const ring = new Ring<number>();
        const model: number[] = [];
        for (const step of steps) {
          if (step === undefined) expect(ring.shift()).toBe(model.shift());
          else {
            ring.push(step);
            model.push(step);
          }
          expect(ring.size).toBe(model.length);
          expect(ring.at(model.length - 1)).toBe(model.at(-1));
        }
        expect(Array.from({ length: ring.size }, (_, index) => ring.at(index))).toEqual(model);
        ring.clear();
        expect(ring.shift()).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});
