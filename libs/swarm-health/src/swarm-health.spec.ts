import { describe, expect, it } from 'vitest';
import { ReportError, type ReportErrorCode } from './errors.ts';
import { bitsOf, hashOf, StagedNodes, torrent } from './fixtures/staged-nodes.ts';
import type { NodeReport, TorrentReport } from './report.ts';

const ALL = [0, 1, 2, 3, 4, 5, 6, 7];

function refusal(act: () => unknown): ReportErrorCode | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof ReportError) return error.code;
    throw error;
  }
  return undefined;
}

describe('what a swarm has', () => {
  it('is counted in copies, of the rarest piece and of all', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL);
    nodes.has('b', [0, 1, 2, 3]);
    nodes.has('c', []);
    expect(nodes.figures()).toMatchObject({
      name: 'model@1',
      size: 7500,
      nodes: 3,
      whole: 1,
      availability: 1,
      distributedCopies: 1.5,
      soleHolder: 'a',
      solePieces: 4,
    });
  });

  it('is a part of the content by bytes, of the least and of the median of nodes', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL);
    nodes.has('b', [7]);
    nodes.has('c', [0, 1, 2]);
    const { completion } = nodes.figures();
    expect(completion).toEqual({ min: 500 / 7500, p10: 500 / 7500, p50: 3000 / 7500, p90: 1 });
  });

  it('leaves nodes that get only what is read out of who is to have all', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL);
    nodes.has('reader', [3], { partial: true });
    expect(nodes.figures()).toMatchObject({ nodes: 1, partial: 1, completion: { min: 1 }, secondsLeft: 0 });
    expect(nodes.figures()).toMatchObject({ solePieces: 7 });
  });

  it('is told by the number of copies, however many there are', () => {
    const nodes = new StagedNodes();
    const has = [40, 16, 15, 8, 7, 4, 1, 0];
    for (let n = 0; n < 40; n++)
      nodes.has(
        `n${n}`,
        ALL.filter((piece) => n < has[piece]!),
      );
    expect(nodes.figures().piecesByCopies).toEqual([1, 1, 0, 0, 2, 2, 2]);
  });

  it('goes with a node that lets go of it', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL);
    nodes.has('b', [0]);
    nodes.report('a', [], { gone: [hashOf(1)] });
    expect(nodes.figures()).toMatchObject({ nodes: 1, availability: 0, soleHolder: 'b', solePieces: 1 });
    nodes.report('b', [], { gone: [hashOf(1)] });
    expect(nodes.swarm()).toBeUndefined();
    expect(nodes.cluster).toMatchObject({ swarms: 0, nodes: 2, bytes: 0 });
  });
});

describe('what moves', () => {
  it('is the sum of what nodes count, and by it what seeders send for each byte of content', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL, { sent: 0 });
    nodes.has('b', []);
    nodes.clock.pass(2000);
    nodes.has('a', ALL, { sent: 9000 });
    nodes.has('b', ALL, { received: 7500, sent: 100, duplicate: 1500, wasted: 1000, failed: 2 });
    const figures = nodes.figures();
    expect(figures).toMatchObject({
      seederAmplification: 1.2,
      duplicateRatio: 0.15,
      wasteRatio: 0.1,
      failedPieces: 2,
      received: 7500,
      sent: 9100,
    });
  });

  it('goes on where a node had counted to, whether its counters begin again or it was away', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL, { sent: 5000 });
    nodes.has('b', [0], { received: 1000 });
    nodes.has('a', ALL, { sent: 200 });
    expect(nodes.figures().sent).toBe(5200);
    nodes.clock.pass(61_000);
    nodes.has('a', ALL, { sent: 200 });
    nodes.health.sweep();
    nodes.disconnect('b');
    nodes.has('b', [0], { received: 1000 });
    expect(nodes.figures()).toMatchObject({ received: 1000, nodes: 2 });
  });

  it('comes at a rate, and is over after a time at that rate, by the clock of this side', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL);
    nodes.has('b', []);
    for (let have = 1; have <= 4; have++) {
      nodes.clock.pass(2000);
      nodes.has('b', ALL.slice(0, have), { received: have * 1000 });
    }
    const { downRate, secondsLeft } = nodes.figures();
    expect(downRate).toBeCloseTo(500);
    expect(secondsLeft).toBeCloseTo(7);
  });

  it('has no end in sight where nothing comes', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL);
    nodes.has('b', [], { stalledMs: 9999 });
    expect(nodes.figures()).toMatchObject({ secondsLeft: undefined, stalled: 0 });
    nodes.has('b', [], { stalledMs: 10_000 });
    expect(nodes.figures().stalled).toBe(1);
  });

  it('is slow where one takes longer than most', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL);
    for (const node of ['b', 'c', 'd']) nodes.has(node, []);
    nodes.clock.pass(2000);
    nodes.has('b', ALL);
    nodes.has('c', ALL);
    nodes.has('d', [0]);
    nodes.clock.pass(4000);
    expect(nodes.figures().stragglerRatio).toBe(3);
    nodes.has('d', ALL);
    nodes.clock.pass(4000);
    expect(nodes.figures().stragglerRatio).toBe(3);
  });

  it('is counted between nodes that are known, and between zones that are', () => {
    const nodes = new StagedNodes();
    const peers = [
      { peer: 'b', received: 100, sent: 7 },
      { peer: 'c', received: 20, sent: 0 },
      { peer: '192.0.2.1:6881', received: 3, sent: 0 },
    ];
    nodes.report('b', [torrent()], { zone: 'here' });
    nodes.report('c', [torrent()], { zone: 'there' });
    nodes.report('a', [torrent({ peers })], { zone: 'here' });
    expect(nodes.figures()).toMatchObject({ bytesBetweenNodes: 120, bytesAcrossZones: 20 });
    expect(nodes.member('a')?.peers).toEqual(peers);
  });

  it('takes a time to spread, as long as a share of the nodes has it', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL);
    for (let n = 1; n < 10; n++) nodes.has(`b${n}`, []);
    expect(nodes.figures().spreadSeconds).toEqual([0]);
    for (let n = 1; n < 10; n++) {
      nodes.clock.pass(1000);
      nodes.has(`b${n}`, ALL);
    }
    const seconds = nodes.figures().spreadSeconds;
    for (const [n, expected] of [0, 4, 8, 9].entries())
      expect(Math.abs(seconds[n]! - expected)).toBeLessThanOrEqual(0.05 * expected);
    nodes.has('late', []);
    expect(nodes.figures().spreadSeconds).toHaveLength(3);
  });
});

describe('a node that falls silent', () => {
  it('moves nothing after 15 s, and is gone with its copies after 60', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL);
    nodes.has('b', []);
    nodes.clock.pass(2000);
    nodes.has('b', [0], { received: 1000, stalledMs: 10_000 });
    nodes.clock.pass(15_000);
    expect(nodes.figures()).toMatchObject({ downRate: 500, stalled: 1 });
    expect(nodes.cluster).toMatchObject({ staleNodes: 1, transfer: { received: 1000 } });
    nodes.health.sweep();
    const { version } = nodes.swarm()!;
    nodes.clock.pass(2000);
    nodes.health.sweep();
    expect(nodes.swarm()!.version).toBe(version + 1);
    nodes.health.sweep();
    expect(nodes.swarm()!.version).toBe(version + 1);
    expect(nodes.figures()).toMatchObject({ nodes: 2, downRate: 0, stalled: 0, availability: 1 });
    expect(nodes.cluster).toMatchObject({ nodes: 2, staleNodes: 2 });
    nodes.clock.pass(42_001);
    nodes.health.sweep();
    expect(nodes.figures()).toMatchObject({ nodes: 1, availability: 0, soleHolder: 'b' });
  });

  it('that was silent for a minute, and speaks by the same stream, is asked for all that it has', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL);
    nodes.clock.pass(60_001);
    nodes.health.sweep();
    expect(nodes.cluster.nodes).toBe(0);
    const changes = torrent({ shape: undefined, pieces: { type: 'changes', came: [1], went: [] } });
    expect(nodes.report('a', [changes])).toEqual({ sequence: 2, unknown: [hashOf(1)], all: false });
    nodes.has('a', ALL);
    expect(nodes.figures()).toMatchObject({ nodes: 1, whole: 1 });
  });
});

describe('a stream', () => {
  it('that has lost a report is asked for snapshots, and what it does not tell then is gone', () => {
    const nodes = new StagedNodes();
    nodes.report('a', [torrent(), torrent({ infoHash: hashOf(2) })]);
    const changes: Partial<TorrentReport> = {
      shape: undefined,
      pieces: { type: 'changes', came: [0], went: [] },
    };
    expect(nodes.report('a', [torrent(changes)], { sequence: 3 })).toEqual({
      sequence: 3,
      all: true,
      unknown: [hashOf(1)],
    });
    expect(nodes.member('a')?.pieces).toEqual(bitsOf([], 8));
    nodes.has('a', [0]);
    expect(
      nodes.report('a', [torrent({ ...changes, pieces: { type: 'changes', came: [3], went: [0] } })]),
    ).toEqual({
      sequence: 5,
      all: false,
      unknown: [],
    });
    expect(nodes.member('a')?.pieces).toEqual(bitsOf([3], 8));
    expect(nodes.swarm(hashOf(2))).toBeDefined();
    nodes.clock.pass(15_001);
    nodes.health.sweep();
    expect(nodes.swarm(hashOf(2))).toBeUndefined();
    expect(nodes.swarm()).toBeDefined();
  });

  it('that is new for a node takes over from the one before', () => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL);
    const old = nodes.health.open();
    const report: NodeReport = {
      node: 'b',
      zone: '',
      sequence: 1,
      torrents: [],
      gone: [],
      counters: undefined,
    };
    old.receive(report);
    nodes.has('b', [1]);
    expect(refusal(() => old.receive({ ...report, sequence: 2 }))).toBe('replaced');
    expect(nodes.member('b')?.pieces).toEqual(bitsOf([1], 8));
  });

  it('of a torrent that is not known is asked for a snapshot', () => {
    const nodes = new StagedNodes();
    const pieces = { type: 'changes', came: [1], went: [] } as const;
    expect(nodes.report('a', [torrent({ shape: undefined, pieces })]).unknown).toEqual([hashOf(1)]);
    expect(nodes.report('a', [torrent({ shape: undefined, pieces: undefined })]).unknown).toEqual([
      hashOf(1),
    ]);
    expect(nodes.cluster).toMatchObject({ swarms: 0, asked: 2, reports: 2 });
  });
});

describe('a report that cannot be right', () => {
  const changes = (came: number[], went: number[] = []): Partial<TorrentReport> => ({
    shape: undefined,
    pieces: { type: 'changes', came, went },
  });
  const bits = (bytes: number[]): Partial<TorrentReport> => ({
    pieces: { type: 'snapshot', bits: Uint8Array.from(bytes) },
  });
  const shape = (size: number, pieceLength: number, pieces: number): Partial<TorrentReport> => ({
    shape: { name: '', size, pieceLength, pieces },
  });
  const peer = (name: string): Partial<TorrentReport> => ({ peers: [{ peer: name, received: 1, sent: 0 }] });
  const bans = (causes: Record<string, number>): Partial<NodeReport> => ({
    counters: { bans: causes, discoveryMs: 0, messageMs: 0 },
  });
  const count = { count: 11 };

  it.each<[string, ReportErrorCode, Partial<TorrentReport>]>([
    ['too few bits', 'bad-pieces', { ...count, ...bits([255]) }],
    ['too many bits', 'bad-pieces', { ...count, ...bits([255, 0, 0]) }],
    ['spare bits', 'bad-pieces', { ...count, ...bits([255, 16]) }],
    ['a piece past the end', 'bad-pieces', { ...count, ...changes([11]) }],
    ['pieces that descend', 'bad-pieces', { ...count, ...changes([2, 1]) }],
    ['a piece twice', 'bad-pieces', { ...count, ...changes([], [1, 1]) }],
    ['a piece below none', 'bad-pieces', { ...count, ...changes([-1]) }],
    ['half a piece', 'bad-pieces', { ...count, ...changes([0.5]) }],
    ['another shape', 'bad-shape', { ...count, ...shape(10_501, 1000, 11) }],
    ['pieces that do not make up the size', 'bad-shape', { infoHash: hashOf(9), ...shape(1000, 100, 11) }],
    ['no content', 'bad-shape', { infoHash: hashOf(9), ...shape(0, 100, 0) }],
    ['pieces of no length', 'bad-shape', { infoHash: hashOf(9), ...shape(1000, 0, 1000) }],
    ['too many pieces', 'bad-shape', { infoHash: hashOf(9), ...shape(1_000_001, 1, 1_000_001) }],
    ['a snapshot of no shape', 'bad-shape', { ...bits([1]), shape: undefined }],
    ['a short info hash', 'bad-hash', { infoHash: new Uint8Array(19) }],
    ['a negative count', 'bad-figure', { received: -1 }],
    ['a count past what is exact', 'bad-figure', { sent: 2 ** 53 }],
    ['no number', 'bad-figure', { duplicate: Number.NaN }],
    ['a peer of no name', 'bad-name', peer('')],
    ['a peer of a long name', 'bad-name', peer('x'.repeat(262))],
    ['too many peers', 'too-much', { peers: Array(101).fill({ peer: 'b', received: 0, sent: 0 }) }],
  ])('for %s is refused whole', (_, code, wrong) => {
    const nodes = new StagedNodes();
    nodes.has('a', ALL, count);
    const before = [nodes.figures(), nodes.cluster];
    const good = torrent({ infoHash: hashOf(2) });
    const { count: _count, ...fields } = { count: 0, ...wrong };
    expect(refusal(() => nodes.report('a', [good, { ...torrent(count), ...fields }]))).toBe(code);
    expect([nodes.figures(), nodes.cluster]).toEqual(before);
  });

  it.each<[string, ReportErrorCode, Partial<NodeReport>]>([
    ['a name with a line break', 'bad-name', { node: 'a\n' }],
    ['no name', 'bad-name', { node: '' }],
    ['a long zone', 'bad-name', { zone: 'é'.repeat(32) }],
    ['a number of 0', 'bad-sequence', { sequence: 0 }],
    ['half a number', 'bad-sequence', { sequence: 1.5 }],
    ['a torrent twice', 'bad-hash', { torrents: [torrent(), torrent()] }],
    ['a torrent that is gone and is not', 'bad-hash', { torrents: [torrent()], gone: [hashOf(1)] }],
    ['a cause of no name', 'bad-name', bans({ 'A"': 1 })],
    [
      'too many causes',
      'too-much',
      bans(
        Object.fromEntries(
          Array.from({ length: 33 }, (_, n) => [`c${'x'.repeat(n % 30)}-${'y'.repeat(n > 29 ? 1 : 0)}`, 1]),
        ),
      ),
    ],
    ['a negative ban', 'bad-figure', bans({ stalls: -1 })],
    [
      'an endless time',
      'bad-figure',
      { counters: { bans: {}, discoveryMs: Number.POSITIVE_INFINITY, messageMs: 0 } },
    ],
  ])('for %s is refused', (_, code, wrong) => {
    const { health } = new StagedNodes();
    const report: NodeReport = {
      node: 'a',
      zone: '',
      sequence: 1,
      torrents: [],
      gone: [],
      counters: undefined,
    };
    expect(refusal(() => health.open().receive({ ...report, ...wrong }))).toBe(code);
    expect(health.cluster()).toMatchObject({ nodes: 0, reports: 0 });
  });

  it('for its place in the stream is refused', () => {
    const nodes = new StagedNodes();
    nodes.report('a', []);
    nodes.report('a', []);
    expect(refusal(() => nodes.report('a', [], { sequence: 2 }))).toBe('bad-sequence');
    expect(refusal(() => nodes.report('a', [], { node: 'b' }))).toBe('other-node');
  });

  it('for coming too fast is refused, and again taken in after a while', () => {
    const nodes = new StagedNodes();
    for (let n = 0; n < 100; n++) nodes.report('a', []);
    expect(refusal(() => nodes.report('a', []))).toBe('flood');
    nodes.clock.pass(100);
    nodes.report('a', []);
    expect(refusal(() => nodes.report('a', []))).toBe('flood');
  });
});

describe('without room', () => {
  it('no more nodes are let in', () => {
    const nodes = new StagedNodes({ maxNodes: 2 });
    nodes.has('a', ALL);
    nodes.has('b', []);
    expect(refusal(() => nodes.has('c', []))).toBe('full');
    nodes.has('a', [1]);
    expect(nodes.figures().nodes).toBe(2);
  });

  it('more torrents are left out, and not asked for', () => {
    const nodes = new StagedNodes({ maxSwarms: 1 });
    const answer = nodes.report('a', [torrent(), torrent({ infoHash: hashOf(2) })]);
    expect(answer).toEqual({ sequence: 1, unknown: [], all: false });
    expect(nodes.report('a', [torrent({ infoHash: hashOf(2), pieces: undefined })]).unknown).toEqual([]);
    expect(nodes.cluster).toMatchObject({ swarms: 1, leftOut: 1, asked: 0 });
  });

  it('for as many pieces a torrent is left out, and one that is smaller is not', () => {
    const nodes = new StagedNodes({ maxBytes: 100_000 });
    nodes.report('a', [torrent({ count: 10_000 }), torrent({ infoHash: hashOf(2) })]);
    expect(nodes.swarm()).toBeUndefined();
    expect(nodes.swarm(hashOf(2))).toBeDefined();
    for (let n = 0; n < 200; n++) nodes.report(`b${n}`, [torrent({ infoHash: hashOf(2) })]);
    expect(nodes.cluster.bytes).toBeLessThanOrEqual(100_000);
    expect(nodes.cluster.leftOut).toBeGreaterThan(100);
  });
});

it('counts the bans of all nodes by cause, and how long they take to find and to handle', () => {
  const nodes = new StagedNodes();
  const counters = (stalls: number, discoveryMs = 0, messageMs = 0) => ({
    counters: { bans: { stalls }, discoveryMs, messageMs },
  });
  nodes.report('a', [], counters(2, 10, 1));
  nodes.report('a', [], counters(3, 12, 1));
  nodes.report('b', [], counters(1, 4, 0));
  nodes.report('b', [], counters(0, 5, 0));
  nodes.report('b', [], counters(2, 6, 0));
  expect([...nodes.cluster.bans]).toEqual([['stalls', 6]]);
  expect(nodes.cluster).toMatchObject({
    discovery: { median: 6, highest: 12 },
    message: { median: 1, highest: 1 },
  });
});
