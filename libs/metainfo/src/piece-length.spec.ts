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
    [32 * MiB, 32 * KiB],
    [32 * MiB + 1, 64 * KiB],
    [1024 * MiB, 64 * KiB],
    [1024 * MiB + 1, 128 * KiB],
    [16 * 1024 * MiB, MiB],
    [140e9, 16 * MiB],
    [1e12, 16 * MiB],
  ])('of %d bytes is %d', (total, expected) => {
    expect(choosePieceLength(total)).toBe(expected);
  });

  it('makes from 512 to 16,384 pieces of content between 8 MiB and 256 GiB', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8 * MiB + 1, max: 256 * 1024 * MiB }), (total) => {
        const pieces = total / choosePieceLength(total);
        expect(pieces).toBeGreaterThan(512);
        expect(pieces).toBeLessThanOrEqual(16_384);
      }),
      { numRuns: 1000 },
    );
  });
});
