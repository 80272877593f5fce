import { credentials } from '@grpc/grpc-js';
import { cluster } from '@pixtorrent/contracts';
import { SeededRandom, silentLogger } from '@pixtorrent/core';
import { systemTimers } from '@pixtorrent/service-kit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SmallTracker } from '../fixtures/small-tracker.ts';
import { Catalogue } from './catalogue.ts';
import { ClusterView } from './cluster-view.ts';
import { Registration } from './registration.ts';
import { TrackerLink } from './tracker-link.ts';

const SOON = { timeout: 8000, interval: 5 };
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startTracker(): Promise<SmallTracker> {
  const tracker = await SmallTracker.start();
  cleanups.push(() => tracker.close());
  return tracker;
}

/** The streams of a node `m`, with the trackers at these ports. */
function open(...ports: readonly number[]) {
  const link = new TrackerLink(
    ports.map((port) => ({ host: '127.0.0.1', port })),
    credentials.createInsecure(),
  );
  const streams = { timers: systemTimers, random: new SeededRandom(1), logger: silentLogger, link };
  const catalogue = new Catalogue(streams);
  const view = new ClusterView(streams);
  const node = { diskUsed: 0 };
  const registration = new Registration({ ...streams, node: () => nodeOf(node.diskUsed) });
  cleanups.push(() => {
    registration.close();
    catalogue.close();
    view.close();
    link.close();
  });
  return { catalogue, view, registration, node };
}

function nodeOf(diskUsed: number): cluster.Node {
  return {
    name: 'm',
    state: cluster.NodeState.NODE_STATE_READY,
    zone: '',
    machine: '',
    grpcAddress: '',
    httpAddress: '',
    peerAddress: '127.0.0.1:1',
    diskBudget: 10,
    diskUsed,
    holdings: [],
    sinceMs: 0,
  };
}

describe('the registration of a node', () => {
  it('says how it is, what changes soon, and that it leaves', async () => {
    const tracker = await startTracker();
    const { registration, node } = open(tracker.port);
    await registration.whenRegistered();
    expect(registration.registered).toBe(true);
    expect(tracker.nodes.get('m')).toMatchObject({ diskBudget: 10, diskUsed: 0 });
    for (node.diskUsed = 1; node.diskUsed < 100; node.diskUsed++) registration.changed();
    await vi.waitFor(() => expect(tracker.said.get('m')?.diskUsed).toBe(100), SOON);
    expect(tracker.heard, 'what changes fast goes together').toBeLessThan(4);
    await registration.leave();
    expect(tracker.nodes.has('m')).toBe(false);
    expect(registration.registered).toBe(false);
  });

  it('ends without a tracker too', async () => {
    const tracker = await SmallTracker.start();
    const { registration } = open(tracker.port);
    await registration.whenRegistered();
    await tracker.close();
    await vi.waitFor(() => expect(registration.registered).toBe(false), SOON);
    await registration.leave();
  });

  it('is made again with another of the trackers when one is gone', async () => {
    const first = await SmallTracker.start();
    const second = await startTracker();
    const { registration, catalogue, view } = open(first.port, second.port);
    await registration.whenRegistered();
    expect(second.nodes.has('m')).toBe(false);
    await first.close();
    await vi.waitFor(() => {
      expect(second.nodes.has('m')).toBe(true);
      expect([registration.registered, catalogue.current, view.current]).toEqual([true, true, true]);
    }, SOON);
  });

  it('is made with the one that is there where the first never was', async () => {
    const second = await startTracker();
    const { registration, catalogue, view } = open(1, second.port);
    await registration.whenRegistered();
    await Promise.all([catalogue.whenKnown(), view.whenKnown()]);
  });

  it('is made elsewhere, when it is told so, by a tracker that goes away', async () => {
    const [first, second] = [await startTracker(), await startTracker()];
    const { registration } = open(first.port, second.port);
    await registration.whenRegistered();
    first.sendAway(50);
    await vi.waitFor(() => expect(second.nodes.has('m')).toBe(true), SOON);
  });
});

describe('the nodes that are known', () => {
  it('stand while the tracker is away, and come and go with what it tells', async () => {
    const tracker = await startTracker();
    tracker.put({ name: 'a' });
    const { view } = open(tracker.port);
    await view.whenKnown();
    await vi.waitFor(() => expect([...view.nodes.keys()].sort()).toEqual(['a', 'm']), SOON);
    tracker.put({ name: 'b' });
    tracker.gone('a');
    await vi.waitFor(() => expect([...view.nodes.keys()].sort()).toEqual(['b', 'm']), SOON);
    tracker.nodes.delete('b');
    tracker.disconnect();
    await vi.waitFor(() => expect(view.current).toBe(false), SOON);
    expect(view.settled).toBe(false);
    await vi.waitFor(() => expect(view.current).toBe(true), SOON);
    expect([...view.nodes.keys()].sort()).toEqual(['b', 'm']);
    expect(view.settled, 'one is only thought to be there').toBe(false);
    tracker.gone('b');
    tracker.put({ name: 'b' });
    await vi.waitFor(() => expect(view.settled).toBe(true), SOON);
  });
});
