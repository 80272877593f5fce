import { expect, it } from 'vitest';
import { StallWatch } from './stall-watch.ts';

it('notices a download that gets nothing for half a minute, and when it goes on', () => {
  let now = 1000;
  const watch = new StallWatch({ now: () => now });
  const after = (seconds: number, bytes: number, complete = false) => {
    now += seconds * 1000;
    return watch.look(bytes, complete);
  };
  expect([after(60, 0), after(29, 0), after(1, 0), after(5, 0)]).toEqual([false, false, true, true]);
  expect([after(5, 1), after(29, 1), after(1, 1)]).toEqual([false, false, true]);
  expect([after(5, 1, true), after(600, 1, true)]).toEqual([false, false]);
});
