import { describe, expect, it } from 'vitest';
import { contentRange, pieceContent } from './content.ts';

describe('contentRange', () => {
  it('gives any range of the same content', () => {
    const whole = contentRange(7, 0, 300_000);
    expect(contentRange(7, 12_345, 200_000).equals(whole.subarray(12_345, 212_345))).toBe(true);
    expect(contentRange(7, 16, 1)[0]).toBe(whole[16]);
    expect(contentRange(8, 0, 300_000).equals(whole)).toBe(false);
    expect(contentRange(7, 5, 0)).toHaveLength(0);
  });

  it('gives the last piece at its own length', () => {
    const shape = { pieceCount: 3, pieceLength: 32_768, length: 65_537 };
    expect(pieceContent(1, shape, 2).equals(contentRange(1, 65_536, 1))).toBe(true);
  });
});
