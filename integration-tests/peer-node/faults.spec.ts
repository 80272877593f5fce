import { describe, expect, it } from 'vitest';
import { until } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { type Acknowledged, makeContent, NodeSwarm } from './node-swarm.ts';

/** Seconds for which a service is away; 60 where all is to be shown. */
const OUTAGE = Number(process.env.PIXTORRENT_TEST_OUTAGE ?? 10);
/** Bytes a second that the node gives which has it first. */
const RATE = 2 ** 20;
/** The outage falls in the middle of the transfer. */
const SIZE = (OUTAGE + 8) * RATE;
const READY = 2;

interface Outage {
  readonly begin: (swarm: NodeSwarm) => Promise<void>;
  readonly end: (swarm: NodeSwarm) => Promise<void>;
}

const OUTAGES: Readonly<Record<string, Outage>> = {
  Redis: {
    begin: async (swarm) => {
      await swarm.redis.kill();
      // What there is can be seen all the same.
      expect(await swarm.catalogue()).toMatchObject([{ name: 'models/a' }]);
    },
    // It has lost everything.
    end: ({ redis }) => redis.start(),
  },
  'the tracker': {
    begin: (swarm) => swarm.killTracker(),
    end: (swarm) => swarm.reviveTracker(),
  },
};

describe.runIf(requirement('redis'))('a transfer', () => {
  it.each(Object.entries(OUTAGES))(
    'goes on while %s is away, and everything is registered again afterwards',
    (_, { begin, end }) =>
      scoped(async (scope) => {
        const swarm = await NodeSwarm.start(scope, 3);
        const removed = await removedContent(scope, swarm);
        const slow = await swarm.add({ name: 'slow', env: { PEER_UPLOAD_RATE: `${RATE}B` } });
        const source = await makeContent(scope, 'model', SIZE, 10);
        const content = await swarm.publish(slow, 'models/a', source, { pieceLength: 2 ** 18 });
        const others = swarm.nodes.filter((node) => node !== slow);
        await until(
          20,
          async () => (await sumOf(swarm, content)) > SIZE || undefined,
          () => new Error('it has not begun'),
        );
        await begin(swarm);
        const before = await sumOf(swarm, content);
        await new Promise((resolve) => setTimeout(resolve, OUTAGE * 1000));
        const after = await sumOf(swarm, content);
        await end(swarm);
        expect(after - before, 'it did not go on').toBeGreaterThan((OUTAGE * RATE) / 2);

        await swarm.allHold(content, 60);
        for (const node of others) expect(await swarm.onDisk(node, content)).toEqual(content.digests);
        const names = swarm.nodes.map(({ name }) => name).sort();
        await until(
          45,
          async () => {
            const [seeders, nodes, entries] = await Promise.all([
              swarm.seeders(content.infoHash),
              swarm.cluster(),
              swarm.catalogue(),
            ]);
            const ready = nodes.filter(({ state }) => state === READY).map(({ name }) => name);
            const known = entries.map(({ name, version, infoHash }) => [
              name,
              version,
              infoHash.toString('hex'),
            ]);
            return (
              (seeders === names.length &&
                ready.join() === names.join() &&
                known.join() === [content.entry, content.version, content.infoHash].join()) ||
              undefined
            );
          },
          () => new Error('not everything is registered again'),
        );
        expect(await swarm.holders(removed)).toEqual([]);
      }),
    (2 * OUTAGE + 150) * 1000,
  );
});

/** Something that was there and is not to come back. */
async function removedContent(scope: Scope, swarm: NodeSwarm): Promise<Acknowledged> {
  const source = await makeContent(scope, 'old', 1e5, 3);
  const content = await swarm.publish(swarm.nodes[0]!, 'models/old', source);
  await swarm.allHold(content, 20);
  await swarm.remove(content);
  await until(
    20,
    async () => (await swarm.holders(content)).length === 0 || undefined,
    () => new Error('it is still there'),
  );
  return content;
}

/** Bytes of a content that are on all nodes together. */
async function sumOf(swarm: NodeSwarm, { infoHash }: Acknowledged): Promise<number> {
  const found = await Promise.all(swarm.nodes.map((node) => swarm.torrent(node, infoHash)));
  return found.reduce((sum, torrent) => sum + (torrent?.have ?? 0), 0);
}
