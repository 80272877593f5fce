import { SwarmHealth, type TorrentReport } from '@pixtorrent/swarm-health';
import { describe, expect, it } from 'vitest';
import { Deliveries } from './deliveries.ts';

const SIZE = 8000;
/** Bytes a second: a minute, and 8 s more. */
const RATE = 1000;

function torrent(have: number, of: Partial<TorrentReport> = {}): TorrentReport {
  return {
    infoHash: new Uint8Array(20),
    shape: { name: 'model@1', size: SIZE, pieceLength: 1000, pieces: 8 },
    pieces: { type: 'snapshot', bits: Uint8Array.of((0xff00 >> have) & 0xff) },
    received: have * 1000,
    sent: 0,
    duplicate: 0,
    wasted: 0,
    failed: 0,
    stalledMs: 0,
    peers: [],
    connected: 0,
    partial: false,
    announced: false,
    ...of,
  };
}

/** Nodes that report to a model whose clock stands still until it is set. */
function staged() {
  const clock = { time: 0, now: () => clock.time };
  const health = new SwarmHealth({ clock });
  const streams = new Map<string, { stream: ReturnType<SwarmHealth['open']>; sequence: number }>();
  const report = (node: string, have: number, of?: Partial<TorrentReport>): void => {
    const own = streams.get(node) ?? { stream: health.open(), sequence: 0 };
    streams.set(node, own);
    const torrents = [torrent(have, of)];
    own.stream.receive({ node, zone: '', sequence: ++own.sequence, torrents, gone: [], counters: undefined });
  };
  return { clock, report, deliveries: new Deliveries(health, clock, RATE) };
}

describe('deliveries', () => {
  it('are in time or late, each once', () => {
    const { clock, report, deliveries } = staged();
    for (const node of ['fast', 'slow', 'never']) report(node, 0);
    clock.time = 68_000;
    report('fast', 8);
    expect(deliveries.read()).toEqual({ in_time: 1, late: 0 });
    clock.time = 68_001;
    expect(deliveries.read()).toEqual({ in_time: 1, late: 2 });
    report('slow', 8);
    expect(deliveries.read()).toEqual({ in_time: 1, late: 2 });
  });

  it('are judged by when they ended, not by when somebody asks', () => {
    const { clock, report, deliveries } = staged();
    report('node', 0);
    clock.time = 50_000;
    report('node', 8);
    clock.time = 1e6;
    expect(deliveries.read()).toEqual({ in_time: 1, late: 0 });
  });

  it('are none where a node had all of it, or is to get only what is read', () => {
    const { clock, report, deliveries } = staged();
    report('seeder', 8);
    report('reader', 1, { partial: true });
    clock.time = 1e6;
    expect(deliveries.read()).toEqual({ in_time: 0, late: 0 });
  });
});
