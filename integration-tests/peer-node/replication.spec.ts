import { Placement } from '@pixtorrent/cluster';
import { describe, expect, it } from 'vitest';
import type { PeerNodeProcess } from '../support/peer-node.ts';
import { until } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { scoped } from '../support/scope.ts';
import { readiness } from '../support/tracker-service.ts';
import { type Acknowledged, makeContent, metricsOf, NodeSwarm } from './node-swarm.ts';

const MB = 1e6;
const COPIES = 3;

describe.runIf(requirement('redis'))('the catalogue on nodes', () => {
  it('is on as many nodes as are wanted, on another when one leaves, and on none when it is removed', () =>
    scoped(async (scope) => {
      const swarm = await NodeSwarm.start(scope, 6);
      // Who takes something in that it is not to hold keeps it until the room is needed.
      const placement = new Placement(
        swarm.nodes.map(({ name }) => ({ name, zone: '', state: 'ready', diskUsed: 0 })),
      );
      const name = 'models/few';
      const wanted = placement.holders(name, COPIES);
      const at = (of: string): PeerNodeProcess => swarm.nodes.find((node) => node.name === of)!;
      const source = await makeContent(scope, 'few', 4 * MB);
      const content = await swarm.publish(at(wanted[0]!), name, source, { replicas: COPIES });
      await swarm.allHold(content, 30, wanted.map(at));
      const names = (nodes: readonly PeerNodeProcess[]) => nodes.map((node) => node.name).sort();
      expect(names(await known(swarm, content))).toEqual([...wanted].sort());

      await swarm.leave(at(wanted[0]!));
      await until(
        30,
        async () => (await swarm.holders(content)).length === COPIES || undefined,
        () => new Error('nobody took the place of the one that left'),
      );
      const holders = await swarm.holders(content);
      expect(names(await known(swarm, content))).toEqual(names(holders));
      expect(names(holders)).toEqual(expect.arrayContaining(wanted.slice(1)));
      for (const node of holders) expect(await swarm.onDisk(node, content)).toEqual(content.digests);

      await swarm.remove(content);
      await until(
        20,
        async () => (await known(swarm, content)).length === 0 || undefined,
        () => new Error('what was removed is still there'),
      );
    }));

  it('waits where there is no room, says so, and comes when something else is removed', () =>
    scoped(async (scope) => {
      const swarm = await NodeSwarm.start(scope, 1);
      const small = await swarm.add({ env: { PEER_DISK_BUDGET: `${10 * 2 ** 20}B` } });
      const [large] = swarm.nodes;
      const first = await swarm.publish(large!, 'models/first', await makeContent(scope, 'first', 6 * MB));
      await swarm.allHold(first, 30);
      const second = await swarm.publish(large!, 'models/second', await makeContent(scope, 'second', 6 * MB));
      await until(
        10,
        async () => ((await (await readiness(small))!.text()).includes('no room') ? true : undefined),
        () => new Error('it does not say that there is no room'),
      );
      expect(await swarm.holders(second)).toEqual([large]);
      await expect(
        swarm.publish(small, 'models/third', await makeContent(scope, 'third', 6 * MB)),
      ).rejects.toMatchObject({ code: 8, details: expect.stringContaining('no room') });

      await swarm.remove(first);
      await swarm.allHold(second, 30);
      expect(await swarm.onDisk(small, second)).toEqual(second.digests);
    }));

  // News of others may be late: what is not wanted is kept for a minute.
  it('makes room by what need not be here, the last copy of something never', { timeout: 180_000 }, () =>
    scoped(async (scope) => {
      const swarm = await NodeSwarm.start(scope, 1);
      const small = await swarm.add({ name: 'small', env: { PEER_DISK_BUDGET: `${16 * 2 ** 20}B` } });
      const [large] = swarm.nodes;
      const publish = async (holder: PeerNodeProcess, at: PeerNodeProcess, seed: string) =>
        swarm.publish(at, nameHeldBy(swarm, holder, seed), await makeContent(scope, seed, 6 * MB), {
          replicas: 1,
        });
      // It is the large one's to hold, and does not get there.
      await swarm.limitDownload(large!, 16_384);
      const sole = await publish(large!, small, 'sole');
      await swarm.allHold(sole, 20, [small]);
      const read = await publish(large!, large!, 'read');
      await swarm.allHold(read, 20, [large!]);
      const path = Object.keys(read.digests).at(-1)!.split('/').map(encodeURIComponent).join('/');
      await until(
        20,
        async () =>
          (await fetch(`http://127.0.0.1:${small.http}/v1/content/${read.entry}/${path}`)).ok || undefined,
        () => small.process.failure('does not read it'),
      );
      expect(await swarm.torrent(small, read.infoHash)).toBeDefined();

      const next = await until(
        120,
        () => publish(small, small, 'next').catch(refusedForRoom),
        () => small.process.failure('makes no room'),
        2000,
      );
      await swarm.allHold(next, 20, [small]);
      expect(await swarm.torrent(small, read.infoHash)).toBeUndefined();
      expect(await swarm.holders(sole)).toEqual([small]);
      expect((await metricsOf(small)).get('pixtorrent_peer_replication_evicted_total')).toBe(1);
      // What is left is wanted here, or nowhere else.
      await expect(publish(small, small, 'more')).rejects.toMatchObject({ code: 8 });
      expect(await swarm.onDisk(small, sole)).toEqual(sole.digests);
    }),
  );
});

/** A name of which that one of two nodes is the one holder. */
function nameHeldBy(swarm: NodeSwarm, holder: PeerNodeProcess, seed: string): string {
  const nodes = swarm.nodes.map(({ name }) => ({ name, zone: '', state: 'ready', diskUsed: 0 }) as const);
  const placement = new Placement(nodes);
  for (let i = 0; ; i++) {
    const name = `models/${seed}-${i}`;
    if (placement.shouldHold(name, 1, holder.name)) return name;
  }
}

function refusedForRoom(error: { readonly code?: number; readonly details?: string }): undefined {
  if (error.code !== 8 || !error.details?.includes('no room')) throw error;
}

/** The nodes that have any of it, whole or not. */
async function known(swarm: NodeSwarm, { infoHash }: Acknowledged): Promise<readonly PeerNodeProcess[]> {
  const found = await Promise.all(swarm.nodes.map((node) => swarm.torrent(node, infoHash)));
  return swarm.nodes.filter((_, i) => found[i] !== undefined);
}
