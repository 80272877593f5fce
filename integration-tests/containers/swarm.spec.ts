import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { until } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { scoped } from '../support/scope.ts';
import { exitCode, signal } from './container.ts';
import { ContainerSwarm } from './container-swarm.ts';

const MIB = 2 ** 20;
const SIZE = 64 * MIB;

describe.runIf(requirement('docker'))('a swarm of containers', () => {
  it('spreads content to every node, though one is killed meanwhile and another tracker takes over', () =>
    scoped(async (scope) => {
      const content = randomBytes(SIZE);
      const digest = createHash('sha256').update(content).digest('hex');
      const swarm = await ContainerSwarm.start(scope);
      // Slow enough for what happens to happen in the middle.
      const slow = { PEER_UPLOAD_RATE: '8MiB' };
      for (const name of ['a', 'b', 'c', 'd']) await swarm.addNode(name, slow);

      await swarm.publish('a', 'model', content);
      const before = await until(
        60,
        async () => {
          const received = await swarm.received('b');
          return received > SIZE / 4 ? received : undefined;
        },
        () => new Error('b gets nothing'),
      );
      expect(before).toBeLessThan(SIZE);
      await signal(swarm.node('b'), 'SIGKILL');
      expect(await exitCode(swarm.node('b'), 10)).toBe(137);

      await signal(swarm.tracker, 'SIGTERM');
      expect(await exitCode(swarm.tracker, 30)).toBe(0);
      await swarm.startTracker();
      await swarm.node('b').restart();

      expect(await swarm.whole('model', 4, 120)).toMatchObject({ nodes: 4 });
      // It went on from what was on its volume.
      expect(await swarm.received('b')).toBeLessThan(SIZE - before / 2);
      for (const name of ['a', 'b', 'c', 'd']) expect(await swarm.digest(name, 'model')).toBe(digest);
      expect(JSON.parse(await swarm.command(['status', 'model', '--json']))).toMatchObject({
        nodes: ['a', 'b', 'c', 'd'].map((name) => ({ name, state: 'ready' })),
        content: [{ name: 'model', copies: 4, whole: 4 }],
      });
      const [, script] = /src="(?:\.?\/)?([^"]+\.js)"/.exec(await swarm.page('')) ?? [];
      expect(await swarm.page(script!)).toContain('import');
    }));

  it('loses nothing where a node is told to go, and ends in good order', () =>
    scoped(async (scope) => {
      const content = randomBytes(16 * MIB);
      const swarm = await ContainerSwarm.start(scope);
      await swarm.addNode('a');
      await swarm.publish('a', 'model', content, '1');
      // Comes too late to be chosen: what it has it got from the one that went.
      await swarm.addNode('b');
      await signal(swarm.node('a'), 'SIGTERM');
      expect(await exitCode(swarm.node('a'), 60)).toBe(0);
      expect(await swarm.digest('b', 'model')).toBe(createHash('sha256').update(content).digest('hex'));

      await signal(swarm.node('b'), 'SIGTERM');
      expect(await exitCode(swarm.node('b'), 60)).toBe(0);
      for (const service of [swarm.metrics, swarm.tracker]) {
        await signal(service, 'SIGTERM');
        expect(await exitCode(service, 30)).toBe(0);
      }
    }));
});
