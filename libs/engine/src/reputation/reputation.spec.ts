import { describe, expect, it } from 'vitest';
import { idOf } from '../fixtures/staged-torrent.ts';
import { Reputation, reputationKey } from './reputation.ts';

describe('reputation', () => {
  it('names a peer by its address, on loopback by its ID', () => {
    expect(reputationKey({ host: '192.0.2.1', port: 1 }, idOf(1))).toBe('192.0.2.1');
    expect(reputationKey({ host: '127.0.0.1', port: 1 }, idOf(1))).not.toBe(
      reputationKey({ host: '127.0.0.1', port: 1 }, idOf(2)),
    );
  });

  it('bans for bad data for good, for errors and stalls for an hour', () => {
    const reputation = new Reputation();
    reputation.badPiece('liar');
    expect([1, 2, 3].map(() => reputation.protocolError('odd', 0))).toEqual([
      undefined,
      undefined,
      'protocol-error',
    ]);
    expect([1, 2, 3, 4, 5, 6].map(() => reputation.stall('slow', 0)).at(-1)).toBe('stalls');
    for (const key of ['liar', 'odd', 'slow']) expect(reputation.isBanned(key, 3_599_999)).toBe(true);
    expect(['liar', 'odd', 'slow'].map((key) => reputation.isBanned(key, 3_600_000))).toEqual([
      true,
      false,
      false,
    ]);
    reputation.protocolError('liar', 0);
    expect(reputation.isBanned('liar', Number.MAX_SAFE_INTEGER)).toBe(true);
  });

  it('counts only stalls in a row', () => {
    const reputation = new Reputation();
    for (let i = 0; i < 50; i++) {
      expect(reputation.stall('slow', 0)).toBeUndefined();
      if (i % 5 === 4) reputation.gave('slow');
    }
  });

  it('is bounded, and forgets the banned last', () => {
    const reputation = new Reputation();
    const serial = reputation.serial('liar');
    reputation.badPiece('liar');
    for (let i = 0; i < 10_000; i++) reputation.serial(`peer ${i}`);
    expect(reputation.isBanned('liar', 0)).toBe(true);
    expect(reputation.keyOf(serial)).toBe('liar');
    expect(reputation.keyOf(serial + 1)).toBeUndefined();
    for (let i = 0; i < 10_000; i++) reputation.badPiece(`liar ${i}`);
    const remembered = Array.from({ length: 10_000 }, (_, i) => reputation.isBanned(`liar ${i}`, 0));
    expect(remembered.filter(Boolean)).toHaveLength(4096);
  });
});
