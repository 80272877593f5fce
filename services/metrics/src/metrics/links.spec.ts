import { toHex } from '@pixtorrent/core';
import type { NodeReport } from '@pixtorrent/swarm-health';
import { describe, expect, it } from 'vitest';
import { Links, type ToldLinks } from './links.ts';

const [ONE, TWO] = [new Uint8Array(20).fill(1), new Uint8Array(20).fill(2)];

/** A report of what a node got from whom, of one torrent. */
function got(node: string, from: Readonly<Record<string, number>>, infoHash = ONE): NodeReport {
  const peers = Object.entries(from).map(([peer, received]) => ({ peer, received, sent: 0 }));
  const moved = { received: 0, sent: 0, duplicate: 0, wasted: 0, failed: 0 };
  const torrent = { infoHash, shape: undefined, pieces: undefined, stalledMs: 0, peers, connected: 0 };
  const torrents = [{ ...moved, ...torrent, partial: false, announced: false }];
  return { node, zone: '', sequence: 1, torrents, gone: [], counters: undefined };
}

function told(links: Links, infoHash = ONE): ToldLinks | undefined {
  return links.told([toHex(ONE), toHex(TWO)], () => true).get(toHex(infoHash));
}

describe('links', () => {
  it('are counted where bytes came', () => {
    const links = new Links(10);
    links.add(got('b', { a: 5 }));
    links.add(got('b', { a: 2, '10.0.0.1:6881': 1 }));
    links.add(got('a', { b: 0 }));
    expect(told(links)).toEqual({
      links: [
        expect.objectContaining({ from: 'a', to: 'b', bytes: 7 }),
        expect.objectContaining({ from: '10.0.0.1:6881', to: 'b', bytes: 1 }),
      ],
      others: 0,
    });
  });

  it('beyond the most are counted together, by a sum that never goes back', () => {
    const links = new Links(1);
    links.add(got('b', { a: 10, c: 3 }));
    expect(told(links)).toMatchObject({ links: [{ from: 'a' }], others: 3 });
    links.add(got('b', { c: 20 }));
    expect(told(links)).toMatchObject({ links: [{ from: 'c', bytes: 23 }], others: 23 });
    links.add(got('b', { a: 1, c: 1 }));
    expect(told(links)).toMatchObject({ links: [{ from: 'c', bytes: 24 }], others: 24 });
  });

  it('are told of every swarm that has some', () => {
    const links = new Links(4);
    for (const node of ['b', 'c', 'd', 'e', 'f']) links.add(got(node, { a: 10 }));
    links.add(got('b', { a: 1 }, TWO));
    expect(told(links)?.links).toHaveLength(3);
    expect(told(links, TWO)?.links).toHaveLength(1);
  });

  it('are kept up to a number, and until their swarm is followed no more', () => {
    const links = new Links(10, 2);
    links.add(got('b', { a: 1, c: 1, d: 5 }));
    expect(told(links)).toMatchObject({ links: [{ from: 'a' }, { from: 'c' }], others: 5 });
    links.add(got('b', { a: 1 }, TWO));
    expect(told(links, TWO)).toBeUndefined();
    links.told([], () => false);
    links.add(got('b', { a: 1 }, TWO));
    expect(told(links, TWO)?.links).toHaveLength(1);
  });
});
