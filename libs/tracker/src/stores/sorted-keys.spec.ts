import { SeededRandom } from '@pixtorrent/core';
import { describe, expect, it } from 'vitest';
import { SortedKeys } from './sorted-keys.ts';

function listed(keys: SortedKeys): string[] {
  const all: string[] = [];
  for (let key = keys.after(''); key !== undefined; key = keys.after(key)) all.push(key);
  return all;
}

describe('SortedKeys', () => {
  it('has the keys that were added and not deleted in their order, however they come and go', () => {
    const random = new SeededRandom(3);
    const keys = new SortedKeys();
    const expected = new Set<string>();
    for (let i = 0; i < 20_000; i++) {
      const key = `key ${random.below(5000)}`;
      if (expected.delete(key)) {
        keys.delete(key);
      } else {
        expected.add(key);
        keys.add(key);
      }
      if (i % 1000 === 0) expect(listed(keys)).toEqual([...expected].sort());
    }
    const sorted = [...expected].sort();
    for (let i = 0; i < 5000; i++) {
      const next = sorted.find((key) => key > `key ${i}`);
      expect(keys.after(`key ${i}`)).toBe(next);
    }
    for (const key of expected) keys.delete(key);
    expect(listed(keys)).toEqual([]);
  });

  it('has them in order too when they come in order, from either end', () => {
    const keys = new SortedKeys();
    const names = Array.from({ length: 3000 }, (_, i) => String(i).padStart(4, '0'));
    for (const name of names.slice(1500)) keys.add(name);
    for (const name of names.slice(0, 1500).reverse()) keys.add(name);
    expect(listed(keys)).toEqual(names);
  });
});
