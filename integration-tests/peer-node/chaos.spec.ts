import { SeededRandom } from '@pixtorrent/core';
import { describe, expect, it } from 'vitest';
import type { PeerNodeProcess } from '../support/peer-node.ts';
import { requirement } from '../support/requirement.ts';
import { scoped } from '../support/scope.ts';
import { type Acknowledged, type Content, makeContent, NodeSwarm } from './node-swarm.ts';

const SEED = Number(process.env.PIXTORRENT_TEST_SEED ?? Date.now() % 2 ** 31);
const ROUNDS = Number(process.env.PIXTORRENT_TEST_ROUNDS ?? 20);
const SIZE = 2 ** 20;
/** So slow that a kill falls into the middle: a content takes more than a second. */
const ENV = { PEER_UPLOAD_RATE: '1MiB' };
/** Milliseconds. */
const LATEST_KILL = 1500;
const LONGEST_AWAY = 500;
/** Seconds. */
const ROUND = 60;

describe.runIf(requirement('redis'))('kill -9', () => {
  it(
    `of anything at any moment loses nothing that was published (PIXTORRENT_TEST_SEED=${SEED})`,
    () =>
      scoped(async (scope) => {
        const random = new SeededRandom(SEED);
        const swarm = await NodeSwarm.start(scope, 3, ENV);
        const published: Acknowledged[] = [];
        for (let round = 1; round <= ROUNDS; round++) {
          const source = await makeContent(scope, `round${round}`, SIZE, 8);
          const by = `n${random.below(3)}`;
          const hurt = hurtOne(swarm, random);
          try {
            const content = await publishedAt(swarm, by, source);
            await hurt.done;
            published.push(content);
            await swarm.allHold(content, ROUND);
          } catch (error) {
            throw new Error(`round ${round} of seed ${SEED}: ${by} publishes, ${hurt.what}`, {
              cause: error,
            });
          }
        }
        // A Redis that was killed last has lost everything, and is told of it by the nodes.
        const names = published.map(({ entry, version }) => `${entry}@${version}`).sort();
        const listed = async () =>
          (await swarm.catalogue()).map(({ name, version }) => `${name}@${version}`).sort();
        await expect.poll(listed, { timeout: ROUND * 1000 }).toEqual(names);
        for (const content of published) {
          await swarm.allHold(content, ROUND);
          for (const node of swarm.nodes) expect(await swarm.onDisk(node, content)).toEqual(content.digests);
        }
      }),
    (ROUNDS * ROUND + 60) * 1000,
  );
});

/** Kills one of the processes at some moment, and starts it again. */
function hurtOne(swarm: NodeSwarm, random: SeededRandom): { what: string; done: Promise<void> } {
  const kill = random.below(LATEST_KILL);
  const away = random.below(LONGEST_AWAY);
  const victim = ['Redis', 'tracker', 'n0', 'n1', 'n2'][random.below(5)]!;
  const work = async (): Promise<void> => {
    await pause(kill);
    const node = nodeOf(swarm, victim);
    if (victim === 'Redis') await swarm.redis.kill();
    else if (victim === 'tracker') await swarm.killTracker();
    else await swarm.kill(node!);
    await pause(away);
    if (victim === 'Redis') await swarm.redis.start();
    else if (victim === 'tracker') await swarm.reviveTracker();
    else await swarm.revive(node!, ENV);
  };
  const done = work();
  done.catch(() => {});
  return { what: `${victim} is killed after ${kill} ms, for ${away} ms`, done };
}

/** Does it again until it is acknowledged, as its caller is told to. */
async function publishedAt(swarm: NodeSwarm, by: string, source: Content): Promise<Acknowledged> {
  const deadline = performance.now() + ROUND * 1000;
  for (;;) {
    const node = nodeOf(swarm, by);
    try {
      if (node !== undefined) return await swarm.publish(node, `models/${source.name}`, source);
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await pause(100);
  }
}

function nodeOf(swarm: NodeSwarm, name: string): PeerNodeProcess | undefined {
  return swarm.nodes.find((node) => node.name === name);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
