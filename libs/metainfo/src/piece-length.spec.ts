import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choosePieceLength } from './piece-length.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

describe('choosePieceLength', () => {
  it.each([
    [1, 16 * KiB, 16 * KiB],
    [16 * MiB, 16 * KiB, 16 * KiB],
    [16 * MiB + 1, 32 * KiB, 32 * KiB],
    [32 * MiB + 1, 64 * KiB, 64 * KiB],
    [128 * MiB, 128 * KiB, 64 * KiB],
    [512 * MiB, 256 * KiB, 64 * KiB],
    [512 * MiB + 1, 512 * KiB, 64 * KiB],
    [1024 * MiB, 512 * KiB, 64 * KiB],
    [1024 * MiB + 1, MiB, 128 * KiB],
    [16 * 1024 * MiB, 8 * MiB, MiB],
    [140e9, 16 * MiB, 16 * MiB],
    [1e12, 16 * MiB, 16 * MiB],
  ])('of %d bytes is %d, and %d for reading', (total, whole, reading) => {
    expect(choosePieceLength(total)).toBe(whole);
    expect(choosePieceLength(total, 'reading')).toBe(reading);
  });

  it.each([
    ['whole', 2048, 32],
    ['reading', 16_384, 256],
  ] as const)(
    'of content that is for %s makes from 512 to %d pieces, from 8 MiB to %d GiB',
    (use, most, gib) => {
      fc.assert(
        fc.property(fc.integer({ min: 8 * MiB + 1, max: gib * 1024 * MiB }), (total) => {
          const pieces = total / choosePieceLength(total, use);
          expect(pieces).toBeGreaterThan(512);
          expect(pieces).toBeLessThanOrEqual(most);
        }),
        { numRuns: 1000 },
      );
    },
  );
});
