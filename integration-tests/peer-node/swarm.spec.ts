import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aria2 } from '../support/clients/aria2.ts';
import { digestTree } from '../support/content.ts';
import { freePort } from '../support/ports.ts';
import { requirement } from '../support/requirement.ts';
import { scoped } from '../support/scope.ts';
import { makeContent, NodeSwarm } from './node-swarm.ts';

/** Bytes; 1 GB where all is to be shown. */
const SIZE = Number(process.env.PIXTORRENT_TEST_BYTES ?? 24e6);
/** Seconds for them to be everywhere, on a machine that does much else. */
const SPREAD = 30 + SIZE / 2e6;
const MIB = 2 ** 20;

describe.runIf(requirement('redis'))('a swarm of nodes', () => {
  it(
    'holds everywhere what one node took in, also when that one is gone, and has it for who comes later',
    () =>
      scoped(async (scope) => {
        const swarm = await NodeSwarm.start(scope, 5);
        const source = await makeContent(scope, 'model', SIZE, 120);
        const [ingest, ...others] = swarm.nodes;
        const content = await swarm.publish(ingest!, 'models/large', source);
        await swarm.allHold(content, SPREAD);
        for (const node of swarm.nodes) expect(await swarm.onDisk(node, content)).toEqual(content.digests);

        await swarm.kill(ingest!);
        const late = await swarm.add({ name: 'late' });
        await swarm.allHold(content, SPREAD, [late]);
        expect(await swarm.onDisk(late, content)).toEqual(content.digests);
        expect(await swarm.holders(content)).toEqual([...others, late]);
      }),
    (2 * SPREAD + 60) * 1000,
  );

  it.runIf(requirement('clients'))('is one for any client that asks the tracker', () =>
    scoped(async (scope) => {
      const swarm = await NodeSwarm.start(scope, 1);
      const PEER_ANNOUNCE = `http://127.0.0.1:${swarm.tracker.http}/announce`;
      const ingest = await swarm.add({ env: { PEER_ANNOUNCE } });
      const content = await swarm.publish(ingest, 'models/a', await makeContent(scope, 'model', 4e6));
      const torrent = join(await scope.folder(), 'content.torrent');
      await writeFile(torrent, await swarm.torrentFile(content));
      const folder = await scope.folder();
      const client = await aria2.get(scope, { torrent, folder, port: await freePort() });
      await client.complete(40);
      expect(await digestTree(join(folder, 'a'))).toEqual(content.digests);
    }),
  );

  it('loses nothing when the only node that has something is told to go', () =>
    scoped(async (scope) => {
      const swarm = await NodeSwarm.start(scope, 3);
      const slow = await swarm.add({ env: { PEER_UPLOAD_RATE: '4MiB', PEER_DRAIN_TIMEOUT: '60s' } });
      const content = await swarm.publish(slow, 'models/a', await makeContent(scope, 'model', 16 * MIB), {
        pieceLength: MIB,
      });
      slow.process.signal('SIGTERM');
      expect(await swarm.holders(content)).toEqual([slow]);
      expect((await slow.process.exit(60)).code).toBe(0);
      const others = swarm.nodes.filter((node) => node !== slow);
      await swarm.allHold(content, 20, others);
      for (const node of others) expect(await swarm.onDisk(node, content)).toEqual(content.digests);
      expect((await swarm.cluster()).map(({ name }) => name)).not.toContain(slow.name);
    }));
});
