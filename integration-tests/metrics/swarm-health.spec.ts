import { connect } from 'node:net';
import { join } from 'node:path';
import { parseMetainfo } from '@pixtorrent/metainfo';
import { describe, expect, it } from 'vitest';
import { type Acknowledged, makeContent, metricsOf, NodeSwarm } from '../peer-node/node-swarm.ts';
import { type MetricsService, startMetricsService } from '../support/metrics-service.ts';
import type { PeerNodeProcess } from '../support/peer-node.ts';
import { until } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { scoped } from '../support/scope.ts';
import { handshake } from '../support/scripted-peer.ts';
import { figuresOf, piecesOnDisk } from './pieces-on-disk.ts';

const HOST = '127.0.0.1';
const SIZE = 8e6;
const PIECE = 262_144;
/** Bytes a second at which a piece takes longer than it takes to be reported, looked at and compared. */
const SLOW = '64KiB';
const BLOCK = 16_384;

type Health = Record<string, unknown> & { readonly completion: { readonly min: number } };

async function healthOf({ http }: MetricsService, { entry, version }: Acknowledged): Promise<Health> {
  const response = await fetch(
    `http://${HOST}:${http}/v1/swarms/${encodeURIComponent(`${entry}@${version}`)}`,
  );
  const { members, ...figures } = (await response.json()) as Health;
  return figures as Health;
}

/** What nodes have counted, by their own `/metrics`. */
async function counted(nodes: readonly PeerNodeProcess[]) {
  const sum = { received: 0, sent: 0, duplicate: 0, wasted: 0, failed: 0 };
  const names: [keyof typeof sum, string][] = [
    ['received', 'pixtorrent_peer_peer_bytes_total{direction="received"'],
    ['sent', 'pixtorrent_peer_peer_bytes_total{direction="sent"'],
    ['duplicate', 'pixtorrent_peer_received_bytes_total{use="duplicate"}'],
    ['wasted', 'pixtorrent_peer_received_bytes_total{use="wasted"}'],
    ['failed', 'pixtorrent_peer_pieces_total{result="failed"}'],
  ];
  for (const node of nodes)
    for (const [name, value] of await metricsOf(node))
      for (const [key, start] of names) if (name.startsWith(start)) sum[key] += value;
  return sum;
}

/** What counters of nodes come to, by the definitions of docs/metrics.md. */
async function moved(nodes: readonly PeerNodeProcess[], ingest: PeerNodeProcess) {
  const { received, sent, duplicate, wasted, failed } = await counted(nodes);
  const came = received + duplicate + wasted;
  return {
    received,
    sent,
    failedPieces: failed,
    duplicateRatio: duplicate / came,
    wasteRatio: wasted / came,
    seederAmplification: (await counted([ingest])).sent / SIZE,
  };
}

/** To a billionth: what is added up in another order ends in other digits. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, one) => (typeof one === 'number' ? Number(one.toFixed(9)) : one));
}

/** Has a node get a block that it did not ask for. */
async function stray(node: PeerNodeProcess, infoHash: string): Promise<void> {
  const socket = connect(node.peer, HOST);
  const block = Buffer.alloc(13 + BLOCK);
  block.writeUInt32BE(9 + BLOCK);
  block[4] = 7;
  socket.on('error', () => {});
  socket.write(Buffer.concat([handshake(Buffer.from(infoHash, 'hex')), block]));
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
}

describe.runIf(requirement('redis'))('the health of a swarm', () => {
  it(
    'is what five nodes have on their disks and have counted, at every replica, also after a restart of one',
    () =>
      scoped(async (scope) => {
        const swarm = await NodeSwarm.start(scope, 0);
        const METRICS_TRACKER = `${HOST}:${swarm.tracker.grpc}`;
        const replicas = await Promise.all(
          [1, 2].map(() => startMetricsService(scope, undefined, { METRICS_TRACKER })),
        );
        const PEER_METRICS = replicas.map(({ grpc }) => `${HOST}:${grpc}`).join();
        const add = (zone: string, rate = '1GiB') =>
          swarm.add({ env: { PEER_METRICS, PEER_ZONE: zone, PEER_DOWNLOAD_RATE: rate } });
        const ingest = await add('here');
        const slow = [await add('there', SLOW), await add('there', SLOW)];
        const content = await swarm.publish(ingest, 'models/a', await makeContent(scope, 'model', SIZE), {
          pieceLength: PIECE,
        });
        const metainfo = parseMetainfo(await swarm.torrentFile(content));
        const onDisks = async () =>
          figuresOf(
            await Promise.all(
              swarm.nodes.map(({ dir }) => piecesOnDisk(join(dir, 'content', content.infoHash), metainfo)),
            ),
            metainfo,
          );

        /** Waits until every replica tells what is the case, for as long as it takes to hear of it. */
        const agreed = async (expected: () => Promise<object | undefined>): Promise<Health> => {
          let seen = '';
          return until(
            15,
            async () => {
              const is = await expected();
              if (is === undefined) return undefined;
              const told = await Promise.all(replicas.map((one) => healthOf(one, content)));
              seen = JSON.stringify({ is, told });
              const same = told.every((one) =>
                Object.entries(is).every(([key, value]) => text(one[key]) === text(value)),
              );
              return same ? told[0] : undefined;
            },
            () => new Error(`they tell other than what is: ${seen}`),
            100,
          );
        };

        // One has all of it, others the same part or another: what would be lost with that one?
        const begun = await agreed(async () => {
          const is = await onDisks();
          return is.completion.min > 0 ? is : undefined;
        });
        expect(begun).toMatchObject({ nodes: 3, whole: 1, availability: 1, soleHolder: ingest.name });
        expect(begun.solePieces).toBeGreaterThan(0);

        // And with two more that have all of it.
        const fast = [await add('here'), await add('there')];
        await swarm.allHold(content, 20, fast);
        const spreading = await agreed(onDisks);
        expect(spreading).toMatchObject({ nodes: 5, whole: 3, soleHolder: null });
        expect(spreading.completion.min).toBeLessThan(1);

        for (const node of slow) await swarm.limitDownload(node, 0);
        await swarm.allHold(content, 20);
        for (const node of swarm.nodes) expect(await swarm.onDisk(node, content)).toEqual(content.digests);
        await stray(fast[0]!, content.infoHash);
        await swarm.announce(content.infoHash, Buffer.alloc(20, 'x'), 1);
        const everything = async () => ({
          ...(await onDisks()),
          ...(await moved(swarm.nodes, ingest)),
          tracker: { seeders: 6, leechers: 0, completed: 4, announced: 5, others: 1 },
        });
        const whole = await agreed(everything);
        expect(whole).toMatchObject({ whole: 5, availability: 5, secondsLeft: 0 });
        expect(whole.wasteRatio).toBeGreaterThan(0);
        expect(whole.bytesBetweenNodes).toBe(whole.received);
        expect(whole.bytesAcrossZones).toBeGreaterThanOrEqual(SIZE);

        const [killed] = replicas;
        killed!.process.signal('SIGKILL');
        await killed!.process.exit(10);
        replicas[0] = await startMetricsService(scope, killed, { METRICS_TRACKER });
        await agreed(everything);

        await swarm.leave(ingest);
        expect(await agreed(onDisks)).toMatchObject({ nodes: 4, availability: 4 });
      }),
    120_000,
  );
});
