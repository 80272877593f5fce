import { describe, expect, it } from 'vitest';
import { fairShares } from './fair-shares.ts';

describe('fair shares', () => {
  it('are what everybody wants where there is enough', () => {
    expect(fairShares([3, 0, 5], 8)).toEqual([3, 0, 5]);
  });

  it('are even among those that want more than is left by the modest', () => {
    expect(fairShares([100, 1, 100], 11)).toEqual([5, 1, 5]);
    expect(fairShares([100, 50], 0)).toEqual([0, 0]);
  });
});
