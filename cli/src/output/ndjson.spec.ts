import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatEvent } from './ndjson.ts';

it('is one line that reads back, whatever the fields hold', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (message) => {
      const line = formatEvent({ event: 'error', code: 'x', message });
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(JSON.parse(line)).toEqual({ event: 'error', code: 'x', message });
    }),
    { numRuns: 500 },
  );
});
