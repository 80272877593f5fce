import { access, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Placement } from '@pixtorrent/cluster';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  entryFor,
  ReplicatingNode,
  type ReplicatingOptions,
  type SmallContent,
  smallContent,
} from '../fixtures/replicating-node.ts';

const SOON = { timeout: 8000, interval: 10 };
/** Milliseconds after which what is not wanted here may go. */
const GRACE = 61_000;
const SIZE = 40_000;
const a = smallContent('a', SIZE);
const b = smallContent('b', SIZE);
const c = smallContent('c', SIZE);
const opened: ReplicatingNode[] = [];

afterEach(async () => {
  for (const node of opened.splice(0)) await node.close();
});

async function open(options?: ReplicatingOptions): Promise<ReplicatingNode> {
  const node = await ReplicatingNode.open(options);
  opened.push(node);
  return node;
}

/** Starts it again, with its folder and its tracker; `meanwhile` happens while it is away. */
async function restart(node: ReplicatingNode, meanwhile?: () => void): Promise<ReplicatingNode> {
  await node.end();
  meanwhile?.();
  opened.splice(opened.indexOf(node), 1);
  return open({ before: node });
}

function holds(node: ReplicatingNode, ...contents: readonly SmallContent[]): Promise<void> {
  const names = contents.map(({ metainfo }) => metainfo.name).sort();
  return vi.waitFor(() => expect(node.names).toEqual(names), SOON);
}

/** Has all that is under way come to an end: what is published last is there. */
async function settle(node: ReplicatingNode, content: SmallContent): Promise<void> {
  node.tracker.publish(entryFor(content));
  await vi.waitFor(() => expect(node.names).toContain(content.metainfo.name), SOON);
}

function isOnDisk(node: ReplicatingNode, { hex }: SmallContent): Promise<boolean> {
  return access(join(node.dir, 'content', hex)).then(
    () => true,
    () => false,
  );
}

describe('following the catalogue', () => {
  it('takes what is published, and deletes what is removed', async () => {
    const node = await open();
    node.tracker.publish(entryFor(a));
    await holds(node, a);
    await node.hold(b);
    node.tracker.publish(entryFor(b));
    await vi.waitFor(() => expect(Array.from(node.entries.live())).toHaveLength(2), SOON);
    node.tracker.remove('b', 1);
    await holds(node, a);
    expect(await isOnDisk(node, b)).toBe(false);
    expect(await readdir(join(node.dir, 'torrents'))).toEqual([`${a.hex}.torrent`]);
  });

  it('keeps what was removed under one name and is there under another, and what somebody asked for here', async () => {
    const node = await open();
    await node.hold(a);
    await node.hold(b, true);
    for (const entry of [entryFor(a), entryFor(a, { name: 'other' }), entryFor(b)])
      node.tracker.publish(entry);
    await vi.waitFor(() => expect(Array.from(node.entries.live())).toHaveLength(3), SOON);
    node.tracker.remove('a', 1);
    node.tracker.remove('b', 1);
    await settle(node, c);
    expect(node.names).toEqual(['a', 'b', 'c']);
    node.tracker.remove('other', 1);
    await holds(node, b, c);
  });

  it('deletes what was removed while it was away', async () => {
    const node = await open();
    await node.hold(a);
    node.tracker.publish(entryFor(a));
    await vi.waitFor(() => expect(Array.from(node.entries.live())).toHaveLength(1), SOON);
    const again = await restart(node, () => node.tracker.remove('a', 1));
    await holds(again);
    expect(await isOnDisk(again, a)).toBe(false);
  });

  it('takes and removes nothing before it is known what is on the disk', async () => {
    const node = await open({ start: false });
    node.tracker.publish(entryFor(a));
    await vi.waitFor(() => expect(node.catalogue.entries.size).toBe(1), SOON);
    await node.replicator.makeRoom(0);
    expect(node.tracker.asked).toEqual([]);
    node.replicator.start();
    await holds(node, a);
  });

  it('takes the others where one cannot be used, and does not ask for it again', async () => {
    const node = await open();
    const broken = { ...entryFor(a), torrent: Buffer.from('d4:infodee'), publishedMs: 1 };
    node.tracker.publish(broken);
    await settle(node, b);
    node.tracker.publish(entryFor(c));
    await holds(node, b, c);
    expect(node.tracker.asked.filter((name) => name === 'a@1')).toHaveLength(1);
  });

  it('takes the oldest that fits, and what waits when something is removed', async () => {
    const node = await open({ budget: SIZE + 1 });
    node.tracker.publish(entryFor(a));
    await holds(node, a);
    node.tracker.publish(entryFor(b, { version: 2 }));
    node.tracker.publish(entryFor(c, { version: 3 }));
    await vi.waitFor(() => expect(node.replicator.figures.waiting).toBe(2), SOON);
    node.tracker.remove('a', 1);
    await holds(node, b);
    expect(node.replicator.figures.waiting).toBe(1);
  });
});

describe('a catalogue that lost its data', () => {
  it('is told what is here, and nothing of what was removed', async () => {
    const node = await open();
    await node.hold(a);
    await node.hold(b);
    for (const content of [a, b]) node.tracker.publish(entryFor(content, { replicas: 2 }));
    await vi.waitFor(() => expect(Array.from(node.entries.live())).toHaveLength(2), SOON);
    node.tracker.remove('b', 1);
    await holds(node, a);
    node.tracker.lose();
    await vi.waitFor(() => expect(node.tracker.entries.size).toBe(1), SOON);
    expect(node.tracker.entries.get('a@1')).toEqual(entryFor(a, { replicas: 2 }));
    expect(node.tracker.removed.map(({ name }) => name)).toEqual(['b']);
    await vi.waitFor(() => expect(node.replicator.figures.restored).toBe(1), SOON);
  });

  it('is told the others where it does not take one', async () => {
    const node = await open();
    for (const content of [a, b, c]) {
      await node.hold(content);
      node.tracker.publish(entryFor(content));
    }
    await vi.waitFor(() => expect(Array.from(node.entries.live())).toHaveLength(3), SOON);
    node.tracker.unrestorable = 'b';
    node.tracker.lose();
    await vi.waitFor(() => expect([...node.tracker.entries.keys()].sort()).toEqual(['a@1', 'c@1']), SOON);
  });

  it('is told again what was removed when another node brings it back', async () => {
    const node = await open();
    await node.hold(a);
    node.tracker.publish(entryFor(a));
    await vi.waitFor(() => expect(Array.from(node.entries.live())).toHaveLength(1), SOON);
    node.tracker.remove('a', 1);
    await holds(node);
    node.tracker.lose();
    // Another node was away while it was removed, and restores what it has.
    node.tracker.publish(entryFor(a));
    await vi.waitFor(() => expect(node.tracker.entries.size).toBe(0), SOON);
    await settle(node, b);
    expect(node.names).toEqual(['b']);
  });

  it('may publish again what was removed before', async () => {
    const node = await open();
    await node.hold(a);
    node.tracker.publish(entryFor(a));
    await vi.waitFor(() => expect(Array.from(node.entries.live())).toHaveLength(1), SOON);
    node.tracker.remove('a', 1);
    await holds(node);
    node.tracker.publish({ ...entryFor(a), publishedMs: 1_800_000_000_000 });
    await holds(node, a);
    await vi.waitFor(() => expect(Array.from(node.entries.live())).toHaveLength(1), SOON);
  });
});

describe('room', () => {
  /** A name that nodes `l`, `m` and `n` place on `wanted`. */
  function placedOn(...wanted: readonly string[]): string {
    const nodes = ['l', 'm', 'n'].map((name) => ({ name, zone: '', state: 'ready' as const, diskUsed: 0 }));
    for (let i = 0; ; i++) {
      const holders = [...new Placement(nodes).holders(`entry${i}`, wanted.length)].sort();
      if (holders.join() === wanted.join()) return `entry${i}`;
    }
  }

  /** `m` holds `a`, which is wanted elsewhere, and has no room for `b` beside it. */
  async function crowded(name: string, replicas: number, holders: Record<string, readonly SmallContent[]>) {
    const node = await open({ budget: 1.5 * SIZE });
    for (const [other, contents] of Object.entries(holders)) node.other(other, contents);
    await node.hold(a);
    node.tracker.publish(entryFor(a, { name, replicas }));
    await vi.waitFor(() => expect(Array.from(node.entries.live())).toHaveLength(1), SOON);
    node.tracker.publish(entryFor(b));
    await vi.waitFor(() => expect(node.replicator.figures.waiting).toBe(1), SOON);
    return node;
  }

  /** Looks again; whatever it decides is done then. */
  async function look(node: ReplicatingNode, other = 'l'): Promise<void> {
    node.tracker.put(node.tracker.nodes.get(other)!);
    await node.replicator.makeRoom(0);
  }

  it('is made when others have had what is not wanted here for a while', async () => {
    const node = await crowded(placedOn('l', 'n'), 2, { l: [a], n: [a] });
    await look(node);
    expect(node.names).toEqual(['a']);
    node.ahead = GRACE;
    await look(node);
    await holds(node, b);
    expect(await isOnDisk(node, a)).toBe(false);
    expect(node.replicator.figures.evicted).toBe(1);
  });

  it.each([
    ['nobody else has it', {}],
    ['fewer have it than are to', { l: [a] }],
  ] as const)('is not made where %s', async (_, holders) => {
    const node = await crowded(placedOn('l', 'n'), 2, { l: [], n: [], ...holders });
    node.ahead = GRACE;
    await look(node);
    await look(node);
    expect(node.names).toEqual(['a']);
  });

  it('is made by one of two that could: the one whose name comes last', async () => {
    // Neither `l` nor `m` is to hold it, and `n`, which is, has not got it yet.
    const node = await crowded(placedOn('n'), 1, { l: [a], n: [] });
    node.ahead = GRACE;
    await look(node);
    await holds(node, b);
    const first = await crowded(placedOn('l'), 1, { l: [], n: [a] });
    first.ahead = GRACE;
    await look(first);
    await look(first);
    expect(first.names).toEqual(['a']);
  });

  it('is not made for the sake of nodes that a tracker which lost its memory does not know', async () => {
    const node = await crowded(placedOn('l', 'n'), 2, { l: [a], n: [a] });
    node.tracker.nodes.clear();
    node.tracker.disconnect();
    await vi.waitFor(() => expect(node.cluster.current).toBe(false), SOON);
    node.ahead = GRACE;
    await vi.waitFor(() => expect(node.cluster.current).toBe(true), SOON);
    expect([...node.cluster.nodes.keys()]).toContain('l');
    await node.replicator.makeRoom(SIZE);
    expect(node.names).toEqual(['a']);
    node.other('l', [a]);
    node.other('n', [a]);
    await holds(node, b);
  });
});

describe('links by name', () => {
  it('lead to what is whole, and go with it, also when it was removed while nobody was there', async () => {
    const node = await open();
    await node.hold(a);
    node.tracker.publish(entryFor(a, { name: 'x/y' }));
    const links = () => readdir(join(node.dir, 'by-name'));
    await vi.waitFor(async () => expect(await links()).toEqual(['x+y', 'x+y@1']), SOON);
    expect(await readlink(join(node.dir, 'by-name', 'x+y'))).toBe(`../content/${a.hex}/a`);
    const again = await restart(node, () => node.tracker.remove('x/y', 1));
    await holds(again);
    await vi.waitFor(async () => expect(await links()).toEqual([]), SOON);
  });
});
