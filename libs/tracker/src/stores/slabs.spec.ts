import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Slabs } from './slabs.ts';

it('gives nobody what another one has, whatever is taken and given back', () => {
  const sizes = [28, 52, 1504, 16_000, 16_384, 20_000];
  const step = fc.record({ give: fc.boolean(), size: fc.constantFrom(...sizes), which: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const slabs = new Slabs();
      const taken: { readonly mark: number; readonly block: Int32Array<ArrayBuffer> }[] = [];
      for (const [mark, { give, size, which }] of steps.entries()) {
        if (give && taken.length > 0) {
          slabs.give(taken.splice(which % taken.length, 1)[0]!.block);
        } else {
          const block = slabs.take(size);
          expect(block.length).toBe(size);
          block.fill(mark);
          taken.push({ mark, block });
        }
      }
      for (const { mark, block } of taken) {
        expect(block.length).toBeGreaterThan(0);
        expect(block.every((word) => word === mark)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

it('shares memory among what is small, uses it again, and gives it back when nobody has any', () => {
  const slabs = new Slabs();
  const first = slabs.take(1000);
  const { buffer } = first;
  const others = Array.from({ length: 261 }, () => slabs.take(1000));
  expect(others.every((other) => other.buffer === buffer)).toBe(true);
  expect(slabs.take(1000).buffer).not.toBe(buffer);
  const { byteOffset } = first;
  slabs.give(first);
  const again = slabs.take(1000);
  expect([again.buffer, again.byteOffset]).toEqual([buffer, byteOffset]);
  for (const block of [again, ...others]) slabs.give(block);
  expect(buffer.detached).toBe(true);

  const large = slabs.take(100_000);
  const own = large.buffer;
  slabs.give(large);
  expect(own.detached).toBe(true);
});
