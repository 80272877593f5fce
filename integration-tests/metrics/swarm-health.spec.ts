import { describe, expect, it } from 'vitest';
import { type Acknowledged, makeContent, metricsOf, NodeSwarm } from '../peer-node/node-swarm.ts';
import { type MetricsService, startMetricsService } from '../support/metrics-service.ts';
import type { PeerNodeProcess } from '../support/peer-node.ts';
import { until } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { scoped } from '../support/scope.ts';

const HOST = '127.0.0.1';
const SIZE = 8e6;

/** As far as this looks at it. */
interface Health {
  readonly nodes: number;
  readonly whole: number;
  readonly availability: number;
  readonly distributedCopies: number;
  readonly completion: { readonly min: number };
  readonly received: number;
  readonly sent: number;
  readonly seederAmplification: number;
  readonly duplicateRatio: number;
  readonly bytesBetweenNodes: number;
  readonly bytesAcrossZones: number;
  readonly secondsLeft: number | null;
  readonly solePieces: number;
  readonly members: readonly {
    readonly node: string;
    readonly completion: number;
    readonly pieces: string;
  }[];
}

async function healthOf({ http }: MetricsService, entry: string): Promise<Health | undefined> {
  const response = await fetch(`http://${HOST}:${http}/v1/swarms/${encodeURIComponent(entry)}`);
  return response.ok ? ((await response.json()) as Health) : undefined;
}

/** What nodes have counted, by their own `/metrics`. */
async function counted(nodes: readonly PeerNodeProcess[]) {
  const sum = { received: 0, sent: 0, duplicate: 0 };
  for (const node of nodes)
    for (const [name, value] of await metricsOf(node)) {
      if (name.startsWith('pixtorrent_peer_peer_bytes_total{direction="received"')) sum.received += value;
      if (name.startsWith('pixtorrent_peer_peer_bytes_total{direction="sent"')) sum.sent += value;
      if (name === 'pixtorrent_peer_received_bytes_total{use="duplicate"}') sum.duplicate += value;
    }
  return sum;
}

describe.runIf(requirement('redis'))('the health of a swarm', () => {
  it(
    'is what its nodes have on their disks and have counted, also after a restart of the service',
    () =>
      scoped(async (scope) => {
        const metrics = await startMetricsService(scope);
        const PEER_METRICS = `${HOST}:${metrics.grpc}`;
        const swarm = await NodeSwarm.start(scope, 0);
        const ingest = await swarm.add({ env: { PEER_METRICS, PEER_ZONE: 'here' } });
        for (let n = 0; n < 2; n++) await swarm.add({ env: { PEER_METRICS, PEER_ZONE: 'there' } });
        const source = await makeContent(scope, 'model', SIZE);
        const content = await swarm.publish(ingest, 'models/a', source, { pieceLength: 65_536 });
        await swarm.allHold(content, 20);
        for (const node of swarm.nodes) expect(await swarm.onDisk(node, content)).toEqual(content.digests);

        // What moved last is reported two seconds later.
        const settled = async (
          service: MetricsService,
          { entry, version }: Acknowledged,
        ): Promise<Health> => {
          let seen = '';
          return until(
            10,
            async () => {
              const health = await healthOf(service, `${entry}@${version}`);
              const nodes = await counted(swarm.nodes);
              seen = `${JSON.stringify(health)}, and nodes ${JSON.stringify(nodes)}`;
              const isSame = health?.received === nodes.received && health.sent === nodes.sent;
              return isSame && health.nodes === swarm.nodes.length ? health : undefined;
            },
            () => new Error(`it tells ${seen}`),
          );
        };
        const expected = async () => {
          const { received, sent, duplicate } = await counted(swarm.nodes);
          return {
            nodes: 3,
            whole: 3,
            availability: 3,
            distributedCopies: 3,
            completion: { min: 1 },
            received,
            sent,
            seederAmplification: (await counted([ingest])).sent / SIZE,
            duplicateRatio: duplicate / (received + duplicate),
            secondsLeft: 0,
            solePieces: 0,
          };
        };
        const health = await settled(metrics, content);
        expect(health).toMatchObject(await expected());
        expect(health.received).toBe(2 * SIZE);
        expect(health.bytesBetweenNodes).toBe(health.received);
        expect(health.bytesAcrossZones).toBeGreaterThanOrEqual(SIZE);
        const all = Buffer.from(health.members[0]!.pieces, 'base64');
        expect(all.subarray(0, -1)).toEqual(Buffer.alloc(Math.floor(SIZE / 65_536 / 8), 0xff));

        metrics.process.signal('SIGKILL');
        await metrics.process.exit(10);
        const again = await startMetricsService(scope, metrics);
        expect(await settled(again, content)).toMatchObject(await expected());

        const late = await swarm.add({ env: { PEER_METRICS, PEER_DOWNLOAD_RATE: '2MiB' } });
        const have = async (): Promise<number> => (await swarm.torrent(late, content.infoHash))?.have ?? 0;
        const least = await until(
          10,
          async () => (await have()) || undefined,
          () => new Error('gets nothing'),
        );
        const told = await until(
          10,
          async () => {
            const now = await healthOf(again, 'models/a@1');
            const mine = now?.members.find(({ node }) => node === late.name);
            return mine !== undefined && mine.completion * SIZE >= least
              ? { mine, all: now!, most: await have() }
              : undefined;
          },
          () => new Error('what it has is not told'),
          50,
        );
        expect(told.mine.completion * SIZE).toBeLessThanOrEqual(told.most);
        expect(told.most).toBeLessThan(SIZE);
        expect(told.all).toMatchObject({ nodes: 4, whole: 3, availability: 3 });
        expect(told.all.distributedCopies).toBeGreaterThan(3);
        expect(told.all.completion.min).toBe(told.mine.completion);

        await swarm.leave(ingest);
        const left = await healthOf(again, 'models/a@1');
        expect(left).toMatchObject({ nodes: 3, availability: 2 });
      }),
    60_000,
  );
});
