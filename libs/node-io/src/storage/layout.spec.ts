import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { madeTorrent } from './fixtures/made-torrent.ts';
import { Layout } from './layout.ts';

const anyFiles = fc.array(
  fc.record({ length: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 90 })), padding: fc.boolean() }),
  { minLength: 1, maxLength: 12 },
);
const anyCase = fc
  .record({ files: anyFiles, pieceLength: fc.integer({ min: 1, max: 64 }), picks: fc.array(fc.nat(11)) })
  .filter(({ files }) => files.some((file) => file.length > 0));

describe('Layout', () => {
  it('splits a range at the borders of files, and never stores padding', () => {
    const { metainfo } = madeTorrent(
      [{ length: 10 }, { length: 0 }, { length: 6, padding: true }, { length: 20 }],
      16,
    );
    expect(new Layout(metainfo).segments(8, 20)).toEqual([
      { place: { kind: 'file', file: 0 }, position: 8, start: 0, length: 2 },
      { place: { kind: 'zeros' }, position: 0, start: 2, length: 6 },
      { place: { kind: 'file', file: 3 }, position: 0, start: 8, length: 12 },
    ]);
  });

  it('keeps the foreign bytes of a shared piece in the side file, and nothing else of that file', () => {
    const { metainfo } = madeTorrent([{ length: 20 }, { length: 30 }], 16);
    const layout = new Layout(metainfo, new Set([0]));
    expect(layout.partsLength).toBe(16);
    expect(layout.segments(16, 34)).toEqual([
      { place: { kind: 'file', file: 0 }, position: 16, start: 0, length: 4 },
      { place: { kind: 'parts' }, position: 4, start: 4, length: 12 },
      { place: { kind: 'unselected' }, position: 0, start: 16, length: 16 },
      { place: { kind: 'unselected' }, position: 0, start: 32, length: 2 },
    ]);
    expect(layout.holds(16, 16)).toBe(true);
    expect(layout.holds(32, 1)).toBe(false);
  });

  it('refuses a range outside the content', () => {
    const layout = new Layout(madeTorrent([{ length: 10 }], 16).metainfo);
    for (const [offset, length] of [
      [-1, 2],
      [0, 11],
      [10, 1],
      [0, -1],
      [Number.NaN, 1],
    ]) {
      expect(() => layout.segments(offset!, length!)).toThrow(RangeError);
    }
    expect(layout.segments(10, 0)).toEqual([]);
  });

  it('covers every range without gaps, each byte in its own place', () => {
    fc.assert(
      fc.property(anyCase, fc.nat(), fc.nat(), ({ files, pieceLength, picks }, from, size) => {
        const { metainfo } = madeTorrent(files, pieceLength);
        const layout = new Layout(metainfo, new Set(picks));
        const offset = from % metainfo.length;
        const length = size % (metainfo.length - offset + 1);
        let at = 0;
        for (const segment of layout.segments(offset, length)) {
          expect(segment.start).toBe(at);
          expect(segment.length).toBeGreaterThan(0);
          at += segment.length;
          const owner = metainfo.files.findIndex(
            (file) =>
              offset + segment.start >= file.offset && offset + segment.start < file.offset + file.length,
          );
          const file = metainfo.files[owner]!;
          expect(offset + at).toBeLessThanOrEqual(file.offset + file.length);
          if (file.padding) expect(segment.place.kind).toBe('zeros');
          else if (picks.includes(owner)) {
            expect(segment.place).toEqual({ kind: 'file', file: owner });
            expect(segment.position).toBe(offset + segment.start - file.offset);
          } else expect(['parts', 'unselected']).toContain(segment.place.kind);
        }
        expect(at).toBe(length);
      }),
      { numRuns: 3000 },
    );
  });

  it('holds exactly the pieces that touch a selected file or nothing but padding, and no two bytes in one place', () => {
    fc.assert(
      fc.property(anyCase, ({ files, pieceLength, picks }) => {
        const { metainfo } = madeTorrent(files, pieceLength);
        const layout = new Layout(metainfo, new Set(picks));
        const taken = new Set<string>();
        for (let piece = 0; piece < metainfo.pieceCount; piece++) {
          const offset = piece * pieceLength;
          const end = Math.min(metainfo.length, offset + pieceLength);
          const touched = metainfo.files.flatMap((file, index) =>
            !file.padding && file.length > 0 && file.offset < end && file.offset + file.length > offset
              ? [index]
              : [],
          );
          const wanted = touched.length === 0 || touched.some((index) => picks.includes(index));
          expect(layout.holds(offset, end - offset)).toBe(wanted);
          for (const { place, position, length } of layout.segments(offset, end - offset)) {
            if (place.kind === 'zeros' || place.kind === 'unselected') continue;
            const size = place.kind === 'file' ? metainfo.files[place.file]!.length : layout.partsLength;
            expect(position + length).toBeLessThanOrEqual(size);
            for (let byte = position; byte < position + length; byte++) {
              const key = `${place.kind === 'file' ? place.file : 'parts'}:${byte}`;
              expect(taken.has(key)).toBe(false);
              taken.add(key);
            }
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('finds the place of a foreign byte where it was under another selection', () => {
    fc.assert(
      fc.property(anyCase, fc.array(fc.nat(11)), ({ files, pieceLength, picks }, others) => {
        const { metainfo } = madeTorrent(files, pieceLength);
        const one = new Layout(metainfo, new Set(picks));
        const other = new Layout(metainfo, new Set(others));
        for (let offset = 0; offset < metainfo.length; offset++) {
          const a = one.segments(offset, 1)[0]!;
          const b = other.segments(offset, 1)[0]!;
          if (a.place.kind === 'parts' && b.place.kind === 'parts') expect(a.position).toBe(b.position);
        }
      }),
      { numRuns: 500 },
    );
  });
});
