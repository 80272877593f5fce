import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choosePieceLength } from './piece-length.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

describe('choosePieceLength', () => {
  it.each([
    [1, 16 * KiB],
    [16 * MiB, 16 * KiB],
    [16 * MiB + 1, 32 * KiB],
    [128 * MiB, 128 * KiB],
    [256 * MiB, 256 * KiB],
    [512 * MiB, 256 * KiB],
    [512 * MiB + 1, 512 * KiB],
    [1024 * MiB, 512 * KiB],
    [16 * 1024 * MiB, 8 * MiB],
    [140e9, 16 * MiB],
    [1e12, 16 * MiB],
  ])('of %d bytes is %d', (total, expected) => {
    expect(choosePieceLength(total)).toBe(expected);
  });

  it('makes from 512 to 2,048 pieces of content between 8 MiB and 32 GiB', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8 * MiB + 1, max: 32 * 1024 * MiB }), (total) => {
        const pieces = total / choosePieceLength(total);
        expect(pieces).toBeGreaterThan(512);
        expect(pieces).toBeLessThanOrEqual(2048);
      }),
      { numRuns: 1000 },
    );
  });
});
