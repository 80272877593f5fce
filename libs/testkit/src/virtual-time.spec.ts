import { SeededRandom } from '@pixtorrent/core';
import { describe, expect, it } from 'vitest';
import { TestkitError } from './errors.ts';
import { VirtualTime } from './virtual-time.ts';

describe('VirtualTime', () => {
  it('runs events by time, and those of one instant in the order of scheduling', () => {
    const time = new VirtualTime();
    const random = new SeededRandom(1);
    const ran: { due: number; number: number; at: number }[] = [];
    for (let number = 0; number < 5000; number++) {
      const due = random.below(200) / 4;
      const note = (): void => {
        ran.push({ due, number, at: time.now() });
      };
      if (number % 2 === 0) time.after(due, note);
      else time.at(due, note);
    }
    expect(time.run()).toBe('idle');
    expect(ran).toHaveLength(5000);
    expect(ran.every((event) => event.at === event.due)).toBe(true);
    expect(ran).toEqual([...ran].sort((a, b) => a.due - b.due || a.number - b.number));
  });

  it('forgets cancelled timers, also when there are many', () => {
    const time = new VirtualTime();
    const ran: number[] = [];
    const timers = Array.from({ length: 6000 }, (_, number) => time.after(number, () => ran.push(number)));
    for (const [number, timer] of timers.entries()) if (number % 3 !== 0) timer.cancel();
    timers[1]!.cancel();
    time.run();
    expect(ran).toEqual(Array.from({ length: 2000 }, (_, index) => index * 3));
    timers[0]!.cancel();
    expect(time.run()).toBe('idle');
  });

  it('stops at its bounds and goes on from there', () => {
    const time = new VirtualTime();
    let count = 0;
    const tick = (): void => {
      count++;
      time.after(10, tick);
    };
    tick();
    expect(time.run({ until: 55 })).toBe('until');
    expect([time.now(), count]).toEqual([55, 6]);
    expect(time.run({ when: () => count === 10 })).toBe('condition');
    expect(time.now()).toBe(90);
    expect(() => time.run({ events: 100 })).toThrow(TestkitError);
  });
});
