import { afterEach, describe, expect, it, vi } from 'vitest';
import { Refusals } from './refusals.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('refusals', () => {
  it('hold until they end, and longer when a piece is refused again', () => {
    const refusals = new Refusals();
    refusals.add(7, 500, 0);
    expect(refusals.has(7, 499)).toBe(true);
    expect(refusals.has(8, 499)).toBe(false);
    refusals.add(7, 900, 400);
    expect(refusals.has(7, 600)).toBe(true);
    expect(refusals.has(7, 900)).toBe(false);
    expect(refusals.size).toBe(0);
  });

  it('are swept out when there are many, with few looked at for each new one', () => {
    let steps = 0;
    const entries = Map.prototype[Symbol.iterator];
    vi.spyOn(Map.prototype, Symbol.iterator).mockImplementation(function* (
      this: Map<unknown, unknown>,
    ): MapIterator<[unknown, unknown]> {
      for (const entry of entries.call(this)) {
        steps++;
        yield entry;
      }
    });
    const refusals = new Refusals();
    let now = 0;
    for (let piece = 0; piece < 5000; piece++) {
      refusals.add(piece, now + 500, now);
      if (piece % 100 === 0) now += 10;
    }
    expect(refusals.size).toBeGreaterThan(1024);
    expect(steps).toBeGreaterThan(3000);
    expect(steps).toBeLessThan(20_000);
    now += 500;
    refusals.add(5000, now + 500, now);
    expect(refusals.size).toBe(1);
  });
});
