import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RangeQueue } from './range-queue.ts';

interface Entry {
  piece: number;
  offset: number;
  length: number;
  time: number;
  marked: boolean;
}

function contents(queue: RangeQueue): Entry[] {
  return Array.from({ length: queue.count }, (_, i) => ({
    piece: queue.pieceAt(i),
    offset: queue.offsetAt(i),
    length: queue.lengthAt(i),
    time: queue.timeAt(i),
    marked: queue.isMarked(i),
  }));
}

describe('a queue of ranges', () => {
  it('does what an array does, however it grows and turns round', () => {
    const step = fc.record({
      action: fc.constantFrom(
        'push',
        'push',
        'push',
        'push',
        'consume',
        'finish',
        'remove',
        'mark',
        'find',
        'clear',
      ),
      at: fc.nat(200),
      piece: fc.nat(3),
      offset: fc.nat(3),
      length: fc.integer({ min: 1, max: 4 }),
      rare: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new RangeQueue();
        let model: Entry[] = [];
        for (const [time, { action, at, piece, offset, length, rare }] of steps.entries()) {
          const position = at % Math.max(1, model.length);
          const entry = model[position];
          if (action === 'push') {
            queue.push(piece, offset, length, time);
            model.push({ piece, offset, length, time, marked: false });
          } else if (action === 'clear') {
            if (rare > 0) continue;
            queue.clear();
            model = [];
          } else if (action === 'find') {
            expect(queue.find(piece, offset)).toBe(
              model.findIndex((e) => e.piece === piece && e.offset === offset),
            );
            expect(queue.find(piece, offset, length)).toBe(
              model.findIndex((e) => e.piece === piece && e.offset === offset && e.length === length),
            );
          } else if (entry === undefined) continue;
          else if (action === 'mark') {
            queue.mark(position);
            entry.marked = true;
          } else if (action === 'consume' && entry.length > 1) {
            queue.consume(position, 1);
            entry.offset++;
            entry.length--;
          } else {
            if (action === 'remove') queue.remove(position);
            else queue.consume(position, entry.length);
            model.splice(position, 1);
          }
          expect(queue.bytes).toBe(model.reduce((sum, e) => sum + e.length, 0));
          expect(contents(queue)).toEqual(model);
        }
      }),
      { numRuns: 300 },
    );
  });
});
