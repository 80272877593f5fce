import { peerId } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StagedTorrent } from '../fixtures/staged-torrent.ts';
import { keepsOwnDial } from './duplicates.ts';

const ID = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => peerId(bytes));

describe('two connections between two peers', () => {
  it('leave one, the same at both ends', () => {
    fc.assert(
      fc.property(ID, ID, (a, b) => {
        fc.pre(Buffer.compare(a, b) !== 0);
        expect(keepsOwnDial(a, b)).toBe(!keepsOwnDial(b, a));
      }),
      { numRuns: 2000 },
    );
  });

  it('leave one at both ends in whatever order each hears of them', () => {
    fc.assert(
      fc.property(ID, ID, fc.boolean(), fc.boolean(), (a, b, ownFirstAtA, ownFirstAtB) => {
        fc.pre(Buffer.compare(a, b) !== 0);
        const kept = (
          [ours, theirs, ownFirst]: readonly [typeof a, typeof b, boolean],
          host: string,
        ): string => {
          const stage = new StagedTorrent({ peerId: ours });
          for (const own of ownFirst ? [true, false] : [false, true]) {
            const port = own ? 6881 : 40_000;
            stage.tryJoin({ id: theirs, incoming: !own, endpoint: { host, port } });
          }
          expect(stage.torrent.peers.size).toBe(1);
          return [...stage.torrent.peers][0]!.info.incoming ? 'theirs' : 'own';
        };
        const atA = kept([a, b, ownFirstAtA], '10.0.0.2');
        const atB = kept([b, a, ownFirstAtB], '10.0.0.1');
        expect([atA, atB].sort()).toEqual(['own', 'theirs']);
      }),
      { numRuns: 200 },
    );
  });
});
