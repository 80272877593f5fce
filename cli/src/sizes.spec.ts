import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRate, parseSize } from './sizes.ts';

describe('sizes', () => {
  it.each([
    ['0', 0],
    ['1500', 1500],
    ['20MB', 20_000_000],
    ['20mb', 20_000_000],
    ['64k', 64_000],
    ['64KiB', 65_536],
    ['1.5 GiB', 1_610_612_736],
    ['2Ti', 2_199_023_255_552],
    ['7B', 7],
    [' 1GiB ', 1_073_741_824],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each([
    '',
    'MB',
    '-1',
    '1e3',
    '0x10',
    '1,5MB',
    '5iB',
    '1PB',
    '1 2',
    'NaN',
    '1..5',
    '99999999TiB',
    '1MB/s',
  ])('"%s" is no size', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  it('takes a rate with and without /s', () => {
    expect(parseRate('20MB/s')).toBe(20_000_000);
    expect(parseRate('20MB')).toBe(20_000_000);
  });

  it('reads back every whole number in every unit', () => {
    const units = {
      '': 1,
      B: 1,
      k: 1e3,
      KB: 1e3,
      KiB: 1024,
      M: 1e6,
      MiB: 1024 ** 2,
      GB: 1e9,
      gib: 1024 ** 3,
    };
    const unit = fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[]));
    const count = fc.integer({ min: 0, max: 8_000_000 });
    fc.assert(
      fc.property(count, unit, (value, name) => parseSize(`${value}${name}`) === value * units[name]),
      { numRuns: 5000 },
    );
  });

  it('makes of any text a whole number of bytes, or nothing', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^\d{1,30}\.?\d{0,30} ?[kmgtKMGT]?i?[bB]?$/));
    fc.assert(
      fc.property(text, (value) => {
        const bytes = parseSize(value);
        return bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0);
      }),
      { numRuns: 10_000 },
    );
  });
});
