import { Bitfield, SeededRandom } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, shapeOf } from '../fixtures/staged-torrent.ts';
import type { ActivePiece } from './active-piece.ts';
import { type PieceState, PieceTable } from './piece-table.ts';

const PIECES = 6;
const ACTIONS = ['begin', 'abandon', 'stored', 'verifying', 'verified', 'failed', 'retry', 'lost'] as const;
type Action = (typeof ACTIONS)[number];

const TRANSITIONS: Readonly<Record<Action, readonly [PieceState, PieceState]>> = {
  begin: ['missing', 'requested'],
  abandon: ['requested', 'missing'],
  stored: ['requested', 'stored'],
  verifying: ['stored', 'verifying'],
  verified: ['verifying', 'have'],
  failed: ['verifying', 'failed'],
  retry: ['failed', 'missing'],
  lost: ['have', 'missing'],
};

describe('the piece table', () => {
  it('has each piece in exactly one state, and lets none skip a step', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(PIECES - 1)),
        fc.uniqueArray(fc.nat(PIECES - 1)),
        fc.array(fc.tuple(fc.constantFrom(...ACTIONS, 'want', 'unwant'), fc.nat(PIECES - 1)), {
          maxLength: 200,
        }),
        (have, first, steps) => {
          const shape = shapeOf(PIECES, 2, 100);
          const table = new PieceTable(
            shape,
            bits(PIECES, ...have),
            bits(PIECES, ...first),
            new SeededRandom(1),
          );
          const state: PieceState[] = Array.from({ length: PIECES }, (_, p) =>
            have.includes(p) ? 'have' : 'missing',
          );
          const actives = new Map<number, ActivePiece>();
          const check = (): void => {
            for (let p = 0; p < PIECES; p++) {
              expect(table.state(p)).toBe(state[p]);
              expect(table.have.has(p)).toBe(state[p] === 'have');
              const inProgress = ['requested', 'stored', 'verifying'].includes(state[p]!);
              expect(table.active.has(p)).toBe(inProgress);
              expect(table.lacks(p)).toBe(wanted.has(p) && state[p] !== 'have');
              const candidate = table.availability.isCandidate(p);
              if (candidate) expect(state[p]).toBe('missing');
              else if (wanted.has(p)) expect(state[p]).not.toBe('missing');
            }
            const remaining = [...wanted].filter((p) => state[p] !== 'have').length;
            expect([table.remaining, table.complete]).toEqual([remaining, remaining === 0]);
          };
          const wanted = new Set(first);
          for (const [action, piece] of steps) {
            if (action === 'want' || action === 'unwant') {
              const before = wanted.has(piece) && state[piece] !== 'have';
              const changes = action === 'want' ? !wanted.has(piece) : wanted.has(piece);
              const changed = table[action](piece);
              if (action === 'want') wanted.add(piece);
              else if (state[piece] === 'missing') wanted.delete(piece);
              expect(changed).toBe(
                changes && (action === 'want' ? state[piece] !== 'have' : before && !wanted.has(piece)),
              );
              check();
              continue;
            }
            const [from, to] = TRANSITIONS[action];
            const active = actives.get(piece);
            const act = (): void => {
              if (action === 'begin') actives.set(piece, table.begin(piece));
              else if (action === 'retry' || action === 'lost') table[action](piece);
              else if (active !== undefined) table[action](active);
            };
            const known =
              action === 'begin' || action === 'retry' || action === 'lost' || active !== undefined;
            if (!known) continue;
            if (state[piece] !== from) expect(act).toThrow(`piece ${piece} is ${state[piece]}`);
            else {
              act();
              state[piece] = to;
            }
            check();
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('knows the length of a short last piece', () => {
    const table = new PieceTable(shapeOf(2, 2, 20_000), new Bitfield(2), bits(2, 0, 1), new SeededRandom(1));
    expect([table.begin(0).length, table.begin(1).length]).toEqual([32_768, 12_768]);
  });
});
