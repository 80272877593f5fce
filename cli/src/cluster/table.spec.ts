import { expect, it } from 'vitest';
import { table } from './table.ts';

it('aligns columns by what is seen of them', () => {
  const rows = [
    ['NAME', 'SIZE', ''],
    ['\u001b[1mlong name\u001b[22m', '5 B', 'x'],
    ['a', '10 kB', ''],
  ];
  expect(table(rows, new Set([1]))).toEqual([
    'NAME        SIZE',
    '\u001b[1mlong name\u001b[22m    5 B  x',
    'a          10 kB',
  ]);
  expect(table([])).toEqual([]);
});
