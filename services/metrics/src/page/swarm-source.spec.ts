import { SwarmHealth, type TorrentReport } from '@pixtorrent/swarm-health';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SwarmMessage } from '../../page/messages.d.ts';
import { SwarmState } from '../../page/src/swarm-state.ts';
import { SwarmSource } from './swarm-source.ts';

const PIECES = 19;
const NODES = ['a', 'b', 'c', 'd'];
const HASH = new Uint8Array(20).fill(1);
const NAME = 'model@1';

const node = fc.nat({ max: NODES.length - 1 });
/** What a node reports next, or that a page opens beside the others. */
const steps = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constant('has' as const),
      node,
      zone: fc.constantFrom('', 'x', 'y'),
      pieces: fc.uniqueArray(fc.nat({ max: PIECES - 1 })),
    }),
    fc.record({ type: fc.constant('gone' as const), node }),
    fc.record({ type: fc.constantFrom('look' as const, 'open' as const) }),
  ),
  { maxLength: 60 },
);

function report(pieces: readonly number[]): TorrentReport {
  const bits = new Uint8Array(Math.ceil(PIECES / 8));
  for (const piece of pieces) bits[piece >> 3]! |= 0x80 >> (piece & 7);
  return {
    infoHash: HASH,
    shape: { name: NAME, size: PIECES * 10, pieceLength: 10, pieces: PIECES },
    pieces: { type: 'snapshot', bits },
    received: 0,
    sent: 0,
    duplicate: 0,
    wasted: 0,
    failed: 0,
    stalledMs: 0,
    peers: [],
    connected: 0,
    partial: false,
    announced: false,
  };
}

function told(state: SwarmState, event: string | undefined): void {
  if (event === undefined) return;
  const message: SwarmMessage = JSON.parse(/^event: swarm\ndata: (.*)\n\n$/.exec(event)![1]!);
  state.apply(message, 0);
}

it('has every page know what is known here, whenever it opened and whatever changes', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const health = new SwarmHealth({ clock: { now: () => 0 } }, { maxReportRate: 1000 });
      const streams = NODES.map(() => health.open());
      const sequences = NODES.map(() => 0);
      const source = new SwarmSource(health, NAME);
      const pages = [new SwarmState()];
      const send = (n: number, zone: string, torrents: TorrentReport[], gone: Uint8Array[]): unknown =>
        streams[n]!.receive({
          node: NODES[n]!,
          zone,
          sequence: ++sequences[n]!,
          torrents,
          gone,
          counters: undefined,
        });
      const look = (): void => {
        const event = source.changes();
        for (const page of pages) told(page, event);
      };
      for (const step of all) {
        if (step.type === 'has') send(step.node, step.zone, [report(step.pieces)], []);
        else if (step.type === 'gone') send(step.node, '', [], [HASH]);
        else if (step.type === 'look') look();
        else {
          look();
          const page = new SwarmState();
          told(page, source.whole());
          pages.push(page);
        }
      }
      look();
      const swarm = [...health.swarms.values()][0];
      const members = swarm === undefined ? [] : [...health.members(swarm)];
      const expected = members
        .map(({ node: name, zone, pieces }) => ({ name, zone, bits: [...pieces] }))
        .sort((a, b) => (`${a.zone} ${a.name}` < `${b.zone} ${b.name}` ? -1 : 1));
      for (const { nodes, copies, detail } of pages) {
        expect(detail === undefined).toBe(swarm === undefined);
        expect(
          nodes.map(({ figures, bits }) => ({ name: figures.node, zone: figures.zone, bits: [...bits] })),
        ).toEqual(expected);
        const having = (piece: number) =>
          members.filter(({ pieces }) => (pieces[piece >> 3]! & (0x80 >> (piece & 7))) !== 0).length;
        expect([...copies]).toEqual(Array.from(copies, (_, piece) => having(piece)));
      }
    }),
    { numRuns: 300 },
  );
});
