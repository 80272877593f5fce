import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bitfield } from './bitfield.ts';

describe('Bitfield', () => {
  it('behaves as a set of indexes under any run of operations', () => {
    const operation = fc.tuple(fc.constantFrom('add', 'delete'), fc.nat(199));
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 260 }),
        fc.array(operation, { maxLength: 300 }),
        (length, steps) => {
          const field = new Bitfield(length);
          const model = new Set<number>();
          for (const [name, index] of steps) {
            if (name === 'add') {
              expect(field.add(index)).toBe(!model.has(index));
              model.add(index);
            } else {
              expect(field.delete(index)).toBe(model.delete(index));
            }
          }
          expect([...field]).toEqual([...model].sort((a, b) => a - b));
          expect(field.count).toBe(model.size);
          const parsed = Bitfield.parse(field.bytes, length);
          expect(parsed && [...parsed]).toEqual([...field]);
          expect(parsed?.count).toBe(model.size);
        },
      ),
    );
  });

  it('refuses a wrong size and bits past the end', () => {
    expect(Bitfield.parse(new Uint8Array(1), 9)).toBeUndefined();
    expect(Bitfield.parse(new Uint8Array(3), 9)).toBeUndefined();
    expect(Bitfield.parse(Uint8Array.of(0xff, 0x80), 9)?.complete).toBe(true);
    expect(Bitfield.parse(Uint8Array.of(0xff, 0xc0), 9)).toBeUndefined();
  });

  it('fills to exactly its length', () => {
    for (const length of [0, 1, 7, 8, 9, 1000]) {
      const field = new Bitfield(length);
      field.fill();
      expect(field.count).toBe(length);
      expect([...field].length).toBe(length);
      expect(Bitfield.parse(field.bytes, length)?.complete).toBe(true);
    }
  });
});
