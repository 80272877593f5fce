import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_RANGES, parseRange } from './byte-ranges.ts';

const anyLength = fc.integer({ min: 0, max: 2000 });
const anyPart = fc.oneof(
  fc
    .tuple(fc.nat({ max: 2500 }), fc.nat({ max: 2500 }))
    .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
  fc.nat({ max: 2500 }).map((start) => `${start}-`),
  fc.nat({ max: 2500 }).map((count) => `-${count}`),
);
const anyHeader = fc
  .array(anyPart, { minLength: 1, maxLength: 80 })
  .map((parts) => `bytes=${parts.join(', ')}`);

/** The bytes that a header asks for, one by one. */
function asked(header: string, length: number): Set<number> {
  const bytes = new Set<number>();
  for (const part of header.slice('bytes='.length).split(', ')) {
    const [first, last] = part.split('-') as [string, string];
    const start = first === '' ? length - Number(last) : Number(first);
    const end = first === '' || last === '' ? length - 1 : Number(last);
    for (let at = Math.max(0, start); at <= Math.min(end, length - 1); at++) bytes.add(at);
  }
  return bytes;
}

describe('ranges of a header', () => {
  it('are all that was asked for, few, apart from each other, and not much more', () => {
    fc.assert(
      fc.property(anyHeader, anyLength, (header, length) => {
        const request = parseRange(header, length);
        const wanted = asked(header, length);
        if (request.type === 'refused') {
          if (wanted.size > 0) expect(header.split(',').length).toBeGreaterThan(MAX_RANGES);
          return;
        }
        if (request.type === 'whole') throw new Error('a header that is right was passed over');
        expect(request.ranges.length).toBeLessThanOrEqual(MAX_RANGES);
        let given = 0;
        for (const { start, end } of request.ranges) {
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(length);
          for (let at = start; at < end; at++) wanted.delete(at);
          given += end - start;
        }
        expect(wanted.size).toBe(0);
        expect(given).toBeLessThanOrEqual(length);
      }),
    );
  });

  it.each([
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=,',
    'bytes=-',
    'bytes=5-4',
    'bytes=0-1,5-4',
    'bytes=a-b',
    'bytes=1',
    'bytes=0-1;2-3',
    'bytes=0x1-2',
    'bytes=1.5-2',
    'bytes= 0 - 1',
    'lines=0-1',
  ])('that mean nothing are passed over: %s', (header) => {
    expect(parseRange(header, 100)).toEqual({ type: 'whole' });
  });

  it('may be written in many ways', () => {
    expect(parseRange('BYTES= 0-0 ,, 500-,\t-1', 1000)).toEqual({
      type: 'ranges',
      ranges: [
        { start: 0, end: 1 },
        { start: 500, end: 1000 },
      ],
    });
    expect(parseRange(`bytes=5-${'9'.repeat(400)}`, 1000)).toEqual({
      type: 'ranges',
      ranges: [{ start: 5, end: 1000 }],
    });
  });

  it.each(['bytes=100-', 'bytes=-0', 'bytes=100-200,300-', `bytes=${'9'.repeat(400)}-`])(
    'that are beyond the end are refused: %s',
    (header) => expect(parseRange(header, 100).type).toBe('refused'),
  );

  it('are whatever the bytes are, and never a fault', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'bytes=0123456789-, ') })),
        anyLength,
        (text, length) => {
          for (const header of [text, `bytes=${text}`]) {
            const request = parseRange(header, length);
            if (request.type === 'ranges')
              for (const { start, end } of request.ranges)
                expect(start >= 0 && start < end && end <= length).toBe(true);
          }
        },
      ),
    );
  });
});
