import { SeededRandom } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Candidates } from './candidates.ts';

const endpoint = (number: number) => ({ host: `10.0.${number >> 8}.${number & 255}`, port: 6881 });

describe('candidates', () => {
  it('are bounded, and one that never answered makes room for a new one', () => {
    const candidates = new Candidates(10, new SeededRandom(1));
    for (let i = 0; i < 50; i++) candidates.add(endpoint(i));
    expect(candidates.size).toBe(10);
    const hopeless = candidates.choose(0)!;
    candidates.dialling(hopeless);
    expect(candidates.add(endpoint(60))).toBeUndefined();
    candidates.failed(hopeless, 0);
    expect(candidates.add(endpoint(61))).toBeDefined();
    expect(candidates.size).toBe(10);
    expect(candidates.get(hopeless.key)).toBeUndefined();
  });

  it('wait longer after each failure, and are forgotten in the end', () => {
    const candidates = new Candidates(10, new SeededRandom(2));
    const candidate = candidates.add(endpoint(1))!;
    let now = 0;
    let least = 0;
    for (let failure = 1; failure < 8; failure++) {
      candidates.dialling(candidate);
      candidates.failed(candidate, now);
      const wait = candidates.nextAt() - now;
      expect(wait).toBeGreaterThanOrEqual(1000 * 2 ** (failure - 1));
      expect(wait).toBeLessThanOrEqual(2000 * 2 ** (failure - 1));
      expect(wait).toBeGreaterThanOrEqual(least);
      least = wait / 2;
      expect(candidates.choose(now)).toBeUndefined();
      now += wait;
      expect(candidates.choose(now)).toBe(candidate);
    }
    candidates.dialling(candidate);
    candidates.failed(candidate, now);
    expect(candidates.size).toBe(0);
  });

  it('forget their failures once they answered', () => {
    const candidates = new Candidates(10, new SeededRandom(3));
    const candidate = candidates.add(endpoint(1))!;
    for (let round = 0; round < 30; round++) {
      candidates.dialling(candidate);
      if (round % 5 === 4) {
        candidates.connected(candidate);
        candidates.ended(candidate, 0, 100, true);
      } else candidates.failed(candidate, 0);
    }
    expect(candidates.size).toBe(1);
  });

  it('wait longer after each connection that was of no use, and no longer after one that was', () => {
    const candidates = new Candidates(10, new SeededRandom(6));
    const candidate = candidates.add(endpoint(1))!;
    const waitAfter = (useful: boolean): number => {
      candidates.dialling(candidate);
      candidates.connected(candidate);
      candidates.ended(candidate, 0, 5000, useful);
      return candidates.nextAt();
    };
    expect([1, 2].map(() => waitAfter(false))).toEqual([5000, 5000]);
    for (let i = 0; i < 20; i++) waitAfter(false);
    expect(waitAfter(false)).toBeGreaterThan(100_000);
    expect(waitAfter(true)).toBe(5000);
  });

  it('are chosen with equal chance, and only while they wait', () => {
    const candidates = new Candidates(10, new SeededRandom(4));
    const all = Array.from({ length: 6 }, (_, i) => candidates.add(endpoint(i))!);
    candidates.dialling(all[0]!);
    candidates.connected(all[1]!);
    candidates.ours(all[2]!);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const { key } = candidates.choose(0)!;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(all.slice(3).map(({ key }) => key));
    for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });

  it('never exceed the limit nor lose one that is connected, in any run', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(4), fc.nat(30)), { maxLength: 200 }), (steps) => {
        const candidates = new Candidates(8, new SeededRandom(5));
        const connected = new Set<string>();
        let now = 0;
        for (const [action, number] of steps) {
          now += 500;
          if (action === 0) candidates.add(endpoint(number));
          else if (action === 4) {
            const key = [...connected][number % Math.max(1, connected.size)];
            if (key === undefined) continue;
            candidates.release(candidates.get(key)!, now, 100);
            connected.delete(key);
          } else {
            const candidate = candidates.choose(now);
            if (candidate === undefined) continue;
            candidates.dialling(candidate);
            if (action === 1) {
              candidates.connected(candidate);
              connected.add(candidate.key);
            } else candidates.failed(candidate, now);
          }
          expect(candidates.size).toBeLessThanOrEqual(8);
          for (const key of connected) expect(candidates.get(key)?.state).toBe('connected');
        }
      }),
      { numRuns: 300 },
    );
  });
});
