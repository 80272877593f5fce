import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { scoped } from '../support/scope.ts';
import { makeContent, metricsOf, NodeSwarm } from './node-swarm.ts';

const MIB = 2 ** 20;

describe.runIf(requirement('redis'))('a disk that loses something', () => {
  it('is read again; what is wrong is counted, and got again from another node', () =>
    scoped(async (scope) => {
      const swarm = await NodeSwarm.start(scope, 1);
      const node = await swarm.add({ env: { PEER_SCRUB_INTERVAL: '1s' } });
      const content = await swarm.publish(node, 'models/a', await makeContent(scope, 'model', 8 * MIB), {
        pieceLength: MIB,
      });
      await swarm.allHold(content, 30);

      const folder = join(node.dir, 'content', content.infoHash, 'a');
      const files = await readdir(folder, { recursive: true, withFileTypes: true });
      const sizes = files
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
      const file = await open(sizes[10]!, 'r+');
      await file.write(Buffer.from('the disk has lost this'), 0, 22, 100);
      await file.close();

      const seen = (name: string, at: number) =>
        until(
          30,
          async () => ((await metricsOf(node)).get(`pixtorrent_peer_${name}`) === at ? true : undefined),
          () => node.process.failure(`does not say ${name} ${at}`),
        );
      await seen('scrub_corrupt_pieces_total', 1);
      await until(
        30,
        async () => ((await swarm.holds(node, content)) ? true : undefined),
        () => node.process.failure('does not get what it has lost'),
      );
      expect(await swarm.onDisk(node, content)).toEqual(content.digests);
      expect((await metricsOf(node)).get('pixtorrent_peer_pieces_total{result="lost"}')).toBe(1);
    }));
});
