import type { Timers } from '@pixtorrent/core';
import { expect, it } from 'vitest';
import { Deadlines } from './deadlines.ts';

const late = () => new Error('late');

/** Time that stands still, and timers that ring when they are told. */
function setUp() {
  const clock = { time: 0, now: () => clock.time };
  const set: { at: number; ring: () => void }[] = [];
  const timers: Timers = {
    after(delay, ring) {
      const timer = { at: clock.time + delay, ring };
      set.push(timer);
      return { cancel: () => void set.splice(set.indexOf(timer), 1) };
    },
  };
  const ringAt = async (time: number) => {
    clock.time = time;
    for (const timer of set.splice(0)) {
      if (timer.at <= time) timer.ring();
      else set.push(timer);
    }
    await new Promise(setImmediate);
  };
  return { deadlines: new Deadlines({ clock, timers }, 100), set, ringAt };
}

it('gives each call its time, in order, with one timer', async () => {
  const { deadlines, set, ringAt } = setUp();
  const results: string[] = [];
  const wait = (name: string, call: Promise<string>) =>
    deadlines.within(call, late).then(
      (value) => results.push(`${name} ${value}`),
      (error: Error) => results.push(`${name} ${error.message}`),
    );
  const never = new Promise<string>(() => {});
  wait('a', never);
  wait('b', Promise.resolve('answered'));
  wait('c', Promise.reject(new Error('failed')));
  await ringAt(40);
  wait('d', never);
  expect(set).toHaveLength(1);
  await ringAt(100);
  await ringAt(100);
  expect(results).toEqual(['b answered', 'c failed', 'a late']);
  await ringAt(139);
  await ringAt(139);
  expect(results).toHaveLength(3);
  await ringAt(140);
  await ringAt(140);
  expect(results.at(-1)).toBe('d late');
  expect(set).toEqual([]);
});

it('lets an answer pass that came while the process was held up', async () => {
  const { deadlines, ringAt } = setUp();
  let answer = (_: string) => {};
  const waiting = deadlines.within(new Promise<string>((resolve) => (answer = resolve)), late);
  await ringAt(5000);
  answer('read after the timer');
  await new Promise(setImmediate);
  await ringAt(5000);
  await expect(waiting).resolves.toBe('read after the timer');
});

it('rings no more when it is closed', async () => {
  const { deadlines, set } = setUp();
  void deadlines.within(new Promise(() => {}), late);
  deadlines.close();
  expect(set).toEqual([]);
});
