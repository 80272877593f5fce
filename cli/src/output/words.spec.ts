import { expect, it } from 'vitest';
import { percent } from './progress.ts';
import { counted, duration } from './words.ts';

it.each([
  [0.04, '0.0 s'],
  [9.94, '9.9 s'],
  [12.4, '12 s'],
  [59.7, '1:00'],
  [125, '2:05'],
  [3725, '1:02:05'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

it('counts one of a kind in the singular', () => {
  expect([counted(0, 'peer'), counted(1, 'peer'), counted(2, 'peer')]).toEqual([
    '0 peers',
    '1 peer',
    '2 peers',
  ]);
});

it('is 100 % only where everything is there', () => {
  expect([percent(0, 10), percent(9_999, 10_000), percent(1, 1), percent(0, 0)]).toEqual([
    '0%',
    '99%',
    '100%',
    '100%',
  ]);
});
