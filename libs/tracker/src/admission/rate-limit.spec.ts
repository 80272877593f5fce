import { parseIp } from '@pixtorrent/tracker-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.ts';

const clock = { time: 0, now: () => clock.time };

function limit(rate: number, burst: number, askers = 1024): (address: string) => number {
  clock.time = 5000;
  const made = new RateLimit({ clock, seed: 7 }, { rate, burst, askers });
  return (address) => made.take(parseIp(address)!);
}

describe('a rate limit', () => {
  it('grants a burst, then its rate, and says how long to wait', () => {
    const take = limit(2, 4);
    for (let i = 0; i < 4; i++) expect(take('192.0.2.1')).toBe(0);
    expect(take('192.0.2.1')).toBe(500);
    clock.time += 499;
    expect(take('192.0.2.1')).toBeCloseTo(1);
    clock.time += 1;
    expect(take('192.0.2.1')).toBe(0);
    expect(take('192.0.2.1')).toBe(500);
    clock.time += 3_600_000;
    for (let i = 0; i < 4; i++) expect(take('192.0.2.1')).toBe(0);
    expect(take('192.0.2.1')).toBe(500);
  });

  it('holds each IPv4 address, and each IPv6 network of 64 bits, to its own', () => {
    const take = limit(1, 1);
    for (const address of ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8:0:1::1', 'c000:201::'])
      expect(take(address)).toBe(0);
    expect(take('192.0.2.1')).toBeGreaterThan(0);
    expect(take('2001:db8::ffff:1')).toBeGreaterThan(0);
  });

  it('grants what a bucket of tokens grants, whoever else asks', () => {
    const step = fc.tuple(fc.nat(15), fc.nat(400));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const take = limit(5, 10);
        const buckets = Array.from({ length: 16 }, () => ({ tokens: 10, since: clock.time }));
        for (const [asker, pause] of steps) {
          clock.time += pause;
          const bucket = buckets[asker]!;
          bucket.tokens = Math.min(10, bucket.tokens + (clock.time - bucket.since) / 200);
          bucket.since = clock.time;
          const granted = bucket.tokens >= 1 - 1e-9;
          if (granted) bucket.tokens--;
          expect(take(`10.1.1.${asker}`) === 0).toBe(granted);
        }
      }),
    );
  });

  it('remembers who asks most when there are more askers than it has room for', () => {
    const take = limit(1, 10, 64);
    for (let i = 0; i < 10; i++) take('192.0.2.1');
    for (let i = 0; i < 60_000; i++) take(`10.${i % 251}.${i % 241}.${i % 239}`);
    expect(take('192.0.2.1')).toBeGreaterThan(0);
  });
});
