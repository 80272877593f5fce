import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { cluster, peer as wire } from '@pixtorrent/contracts';
import type { LogFields, Logger } from '@pixtorrent/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ServedNode, tokenMetadata } from '../fixtures/served-node.ts';
import { whole } from '../fixtures/small-tracker.ts';

const {
  DRAIN_OUTCOME_SAFE: SAFE,
  DRAIN_OUTCOME_TIMED_OUT: LATE,
  DRAIN_OUTCOME_ALONE: ALONE,
} = wire.DrainOutcome;
const { NODE_STATE_DRAINING: DRAINING, NODE_STATE_STARTING: STARTING } = cluster.NodeState;
const SIZE = 100_000;

let node: ServedNode;
let infoHash: Buffer;
const lines: { message: string; fields: LogFields | undefined }[] = [];

const logger: Logger = {
  debug() {},
  info: (message, fields) => void lines.push({ message, fields }),
  warn: (message, fields) => void lines.push({ message, fields }),
  error() {},
  child: () => logger,
};

beforeEach(async () => {
  lines.length = 0;
  node = await ServedNode.start({ env: { PEER_DRAIN_TIMEOUT: '60s' }, logger });
  const { published } = await node.upload({ name: 'models/a' }, [randomBytes(SIZE)]);
  infoHash = published!.infoHash;
  await expect
    .poll(
      async () =>
        (await node.call(node.client.getTorrent, { infoHash, pieces: false })) as wire.GetTorrentResponse,
    )
    .toMatchObject({ torrent: { state: wire.TorrentState.TORRENT_STATE_SEEDING, solePieces: 7 } });
});

afterEach(async () => {
  node.tracker.put({ name: 'other', holdings: [whole(infoHash, SIZE)] });
  await node.close();
});

/** Has the node know of another one. */
async function put(other: Partial<cluster.Node> = {}): Promise<void> {
  node.tracker.put({ name: 'other', holdings: [], ...other });
  const states = ['starting', 'ready', 'draining'].map((state) => `cluster_nodes{state="${state}"}`);
  const count = async (): Promise<number> => {
    const counts = await Promise.all(states.map((state) => node.metric(state)));
    return counts.reduce((sum, one) => sum + one, 0);
  };
  await expect.poll(count).toBe(2);
}

function drain(timeoutMs = 60_000) {
  const call = node.client.drain({ timeoutMs }, tokenMetadata());
  const reports: wire.DrainResponse[] = [];
  call.on('data', (report: wire.DrainResponse) => reports.push(report));
  const over = once(call, 'end').then(() => reports.at(-1)!);
  // Who calls it off does not wait for it.
  over.catch(() => {});
  return { call, reports, over };
}

it('is done soon where another node has all of it', async () => {
  await put({ holdings: [whole(infoHash, SIZE)] });
  const { over } = drain();
  expect(await over).toEqual({ solePieces: 0, soleBytes: 0, torrents: 0, outcome: SAFE });
  expect(lines.at(-1)?.message).toBe('drained: everything is elsewhere too');
});

it('waits for a node that is to hold it, which is told at once, and ends when that has all', async () => {
  await put({ holdings: [{ ...whole(infoHash, SIZE), have: 1 }] });
  const { over, call } = drain();
  const [first] = await once(call, 'data');
  expect(first).toEqual({ solePieces: 7, soleBytes: SIZE, torrents: 1, outcome: 0 });
  await expect.poll(() => node.tracker.said.get('self')?.state, { timeout: 500 }).toBe(DRAINING);
  node.tracker.put({ name: 'other', holdings: [whole(infoHash, SIZE)] });
  expect((await over).outcome).toBe(SAFE);
});

it('does not rely on a node that begins to drain at the same time', async () => {
  await put({ holdings: [whole(infoHash, SIZE)] });
  const { over, call } = drain();
  const [first] = await once(call, 'data');
  expect(first).toEqual({ solePieces: 0, soleBytes: 0, torrents: 0, outcome: 0 });
  await put({ holdings: [whole(infoHash, SIZE)], state: DRAINING });
  expect(await over).toMatchObject({ solePieces: 7, outcome: ALONE });
});

it('says when time is up what is here alone', async () => {
  await put();
  expect(await drain(300).over).toEqual({ solePieces: 7, soleBytes: SIZE, torrents: 1, outcome: LATE });
  expect(lines.at(-1)).toEqual({
    message: 'drained too late: not everything is elsewhere',
    fields: { torrents: 1, pieces: 7, bytes: SIZE, names: 'a.bin' },
  });
});

it.each<[string, Partial<cluster.Node> | undefined]>([
  ['there is no other node', undefined],
  ['the other node drains too', { state: DRAINING, holdings: [] }],
  ['the other node has all of it, and drains too', { state: DRAINING }],
  ['the other node starts and has nothing', { state: STARTING, holdings: [] }],
])('does not wait in vain where %s', async (_, other) => {
  if (other !== undefined) node.tracker.put({ name: 'other', holdings: [whole(infoHash, SIZE)], ...other });
  const { over } = drain();
  expect(await over).toMatchObject({ solePieces: 7, torrents: 1, outcome: ALONE });
  expect(lines.at(-1)?.message).toMatch(/^drained in vain/);
});

it('takes nothing any more once it has begun, whoever listens', async () => {
  await put();
  const { call } = drain();
  await once(call, 'data');
  call.on('error', () => {});
  call.cancel();
  const refused = { code: status.FAILED_PRECONDITION };
  await expect(node.upload({ name: 'models/b' }, [Buffer.from('x')])).rejects.toMatchObject(refused);
  const source = { $case: 'magnet', magnet: `magnet:?xt=urn:btih:${'a'.repeat(40)}` } as const;
  await expect(node.call(node.client.addTorrent, { source, peers: [] })).rejects.toMatchObject(refused);
  expect(await node.call(node.client.getNode, {})).toMatchObject({ node: { draining: true } });
});

it('holds up the end of the service until others have all, and no longer', async () => {
  await put();
  const closed = node.service.close();
  await expect.poll(() => node.tracker.said.get('self')?.state).toBe(DRAINING);
  const ready = await fetch(`http://127.0.0.1:${node.service.ports.ops}/readyz`);
  expect(ready.status).toBe(503);
  node.tracker.put({ name: 'other', holdings: [whole(infoHash, SIZE)] });
  expect(await closed).toBe('done');
  expect(node.tracker.nodes.has('self')).toBe(false);
});
