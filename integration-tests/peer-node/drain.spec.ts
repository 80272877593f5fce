import { describe, expect, it } from 'vitest';
import { requirement } from '../support/requirement.ts';
import { scoped } from '../support/scope.ts';
import { makeContent, NodeSwarm } from './node-swarm.ts';

const MIB = 2 ** 20;
const DRAIN = { PEER_DRAIN_TIMEOUT: '60s' };

describe.runIf(requirement('redis'))('nodes that are told to go', () => {
  it('do not rely on each other, where several go at once', () =>
    scoped(async (scope) => {
      const swarm = await NodeSwarm.start(scope, 2, DRAIN);
      const source = await makeContent(scope, 'model', 16 * MIB);
      const content = await swarm.publish(swarm.nodes[0]!, 'models/a', source, { pieceLength: MIB });
      await swarm.allHold(content, 30);
      const leaving = [...swarm.nodes];
      const last = await swarm.add({ env: { PEER_DOWNLOAD_RATE: '8MiB' } });
      for (const node of leaving) node.process.signal('SIGTERM');
      const exits = await Promise.all(leaving.map(({ process }) => process.exit(60)));
      expect(exits.map(({ code }) => code)).toEqual([0, 0]);
      // What is on its way to the disk is there a moment later.
      await swarm.allHold(content, 5, [last]);
      expect(await swarm.onDisk(last, content)).toEqual(content.digests);
    }));

  it('go at once where nobody is left to take anything', () =>
    scoped(async (scope) => {
      const swarm = await NodeSwarm.start(scope, 1, DRAIN);
      const [node] = swarm.nodes;
      const content = await swarm.publish(node!, 'models/a', await makeContent(scope, 'model', MIB));
      const began = performance.now();
      node!.process.signal('SIGTERM');
      expect((await node!.process.exit(30)).code).toBe(0);
      expect(performance.now() - began).toBeLessThan(20_000);

      // It was no loss: the node has it when it is back.
      const back = await swarm.revive(node!);
      await swarm.allHold(content, 10, [back]);
    }));
});
