import { expect, it } from 'vitest';
import { selectFiles } from './selection.ts';

const flags = { length: 1, offset: 0, padding: false, executable: false, hidden: false };
const files = [
  { ...flags, path: ['set', 'README.md'] },
  { ...flags, path: ['set', 'docs', 'a.md'] },
  { ...flags, path: ['set', 'docs', 'deep', 'b.md'] },
  { ...flags, path: ['set', 'data', 'x[1].bin'] },
  { ...flags, path: ['set', '.pad', '1.md'], padding: true },
];

it.each([
  [['README.md'], [0]],
  [['*.md'], [0, 1, 2]],
  [['docs/*.md'], [1]],
  [['docs/**'], [1, 2]],
  [['set/docs/**'], [1, 2]],
  [
    ['*.bin', 'README*'],
    [0, 3],
  ],
])('%j selects %j', (patterns, indexes) => {
  expect([...selectFiles({ files }, patterns)!]).toEqual(indexes);
});

it('selects everything where nothing is asked, and refuses what matches nothing', () => {
  expect(selectFiles({ files }, [])).toBeUndefined();
  expect(() => selectFiles({ files }, ['*.exe'])).toThrow(/\*\.exe/);
});
