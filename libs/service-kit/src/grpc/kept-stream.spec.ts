import { SeededRandom, silentLogger } from '@pixtorrent/core';
import { ManualTimers } from '@pixtorrent/testkit';
import { expect, it } from 'vitest';
import { KeptStream, type StreamProgress } from './kept-stream.ts';

function kept() {
  const timers = new ManualTimers();
  const opened: StreamProgress[] = [];
  let closed = 0;
  const open = (progress: StreamProgress) => {
    opened.push(progress);
    return { close: () => void closed++ };
  };
  const stream = new KeptStream('test', open, { timers, random: new SeededRandom(1), logger: silentLogger });
  return { stream, timers, opened, closedCount: () => closed };
}

it('opens again after an end, ever more rarely, and at once again when it has worked', () => {
  const { stream, timers, opened } = kept();
  for (let i = 0; i < 9; i++) {
    opened.at(-1)!.ended('refused');
    timers.pass();
  }
  const longest = [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000];
  for (const [i, delay] of timers.delays.entries()) {
    expect(delay).toBeGreaterThanOrEqual(longest[i]! / 2);
    expect(delay).toBeLessThanOrEqual(longest[i]!);
  }
  expect(opened).toHaveLength(10);
  expect(stream.working).toBe(false);
  opened.at(-1)!.works();
  expect(stream.working).toBe(true);
  opened.at(-1)!.ended('lost');
  expect(stream.working).toBe(false);
  expect(timers.delays.at(-1)).toBeLessThanOrEqual(100);
});

it('waits as long as the other side asks, within reason', () => {
  const { timers, opened } = kept();
  opened.at(-1)!.ended('going away', 3000);
  expect(timers.delays.at(-1)).toBeGreaterThanOrEqual(3000);
  timers.pass();
  opened.at(-1)!.ended('going away', 1e9);
  expect(timers.delays.at(-1)).toBeLessThanOrEqual(61_000);
});

it('takes one end a stream, and none after it was closed', () => {
  const { stream, timers, opened, closedCount } = kept();
  opened[0]!.ended('once');
  opened[0]!.ended('twice');
  opened[0]!.works();
  expect([timers.delays.length, stream.working]).toEqual([1, false]);
  timers.pass();
  stream.close();
  expect(closedCount()).toBe(1);
  opened[1]!.ended('by us');
  expect(timers.waiting).toBe(false);
});
