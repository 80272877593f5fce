import { describe, expect, it } from 'vitest';
import { bytes, duration, left, percent } from '../../page/src/words.ts';

describe('the page says', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [999.6, '1.00 kB'],
    [9_994, '9.99 kB'],
    [9_996, '10.0 kB'],
    [999_400, '999 kB'],
    [999_600, '1.00 MB'],
    [1.234e12, '1.23 TB'],
    [5e18, '5000 PB'],
  ])('%d bytes by three digits and a unit', (count, text) => expect(bytes(count)).toBe(text));

  it.each([
    [0, '0 %'],
    [1e-9, '0.1 %'],
    [0.5, '50 %'],
    [0.999_999, '99.9 %'],
    [1, '100 %'],
  ])('all and nothing of %d only where it is so', (share, text) => expect(percent(share)).toBe(text));

  it.each([
    [0, '0 s'],
    [0.2, '1 s'],
    [59.5, '1 min'],
    [90, '1 min 30 s'],
    [3599.5, '1 h'],
    [7500, '2 h 5 min'],
    [86_400 * 4, '4 d'],
  ])('%d seconds by two units', (seconds, text) => expect(duration(seconds)).toBe(text));

  it('that the end is not known where nothing comes, and that all is done', () => {
    expect(left({ nodes: 2, whole: 1, secondsLeft: null })).toBe('unknown');
    expect(left({ nodes: 2, whole: 2, secondsLeft: 0 })).toBe('done');
    expect(left({ nodes: 0, whole: 0, secondsLeft: 0 })).toBe('0 s');
  });
});
