import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command, isReady, kubectl, Namespace, type Pod } from '../support/kubernetes.ts';
import { until } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { Scope } from '../support/scope.ts';
import { Contents, MB } from './contents.ts';
import { Release, SLOW_LINES } from './release.ts';

/** Does to a machine of the cluster what its first argument says: `kind-node.sh` for one. */
const PROGRAM = process.env.PIXTORRENT_CLUSTER_FAULTS;

type Fault = 'power-off' | 'power-on' | 'cut' | 'heal';

async function machine(fault: Fault, name: string): Promise<void> {
  await command(PROGRAM!, [fault, name], { seconds: 120 });
}

describe.runIf(requirement('machines'))('a release whose machines fail', { timeout: 600_000 }, () => {
  const scope = new Scope();
  let release: Release;
  let contents: Contents;

  beforeAll(async () => {
    const namespace = await Namespace.create(scope, 'pix-machines');
    const values = { peerNode: { replicas: 6, settings: SLOW_LINES } };
    ({ release } = await Release.install(scope, namespace, { values }));
    contents = new Contents(release, await scope.folder());
  }, 400_000);

  afterAll(() => scope.close(), 180_000);

  /** A machine with peer-nodes, and without Redis if there is one: it has its disk there. */
  async function victim(): Promise<string> {
    const [redis] = await release.pods('redis');
    const machines = new Set((await release.pods('peer-node')).map(({ spec }) => spec.nodeName!));
    machines.delete(redis!.spec.nodeName!);
    return [...machines].sort().at(-1)!;
  }

  async function nodesBeside(lost: string): Promise<readonly Pod[]> {
    const others = (await release.pods('peer-node')).filter(({ spec }) => spec.nodeName !== lost);
    expect(others.length).toBeGreaterThan(2);
    return others;
  }

  /** Nodes on machines that are there, when each has all of it. */
  async function expectOnOthers(lost: string, name: string): Promise<void> {
    const others = await nodesBeside(lost);
    await until(
      240,
      async () => {
        const { nodes } = (await release.rollOut(name)) ?? {};
        const whole = new Set(nodes?.filter(({ have, size }) => have === size).map(({ node }) => node));
        return others.every(({ metadata }) => whole.has(metadata.name)) ? true : undefined;
      },
      () => new Error(`${name} is not on all nodes of the machines that are left`),
      500,
    );
    await contents.expectOn(others, name);
  }

  async function backOn(lost: string): Promise<readonly Pod[]> {
    await until(
      180,
      async () => {
        const { status } = JSON.parse(await kubectl(['get', 'node', lost, '--output', 'json']));
        return isReady({ status } as Pod) ? true : undefined;
      },
      () => new Error(`${lost} did not come back`),
      500,
    );
    return release.ready('peer-node', 6, 300);
  }

  it.each([
    ['its power', 'power-off', 'power-on'],
    ['its network', 'cut', 'heal'],
  ] as const)(
    'goes on where one loses %s in the middle, and has all of it when it is back',
    async (_, fault, cure) => {
      const lost = await victim();
      const [source] = await nodesBeside(lost);
      await contents.publish(fault, 300 * MB, '--node', source!.metadata.name);
      // All of it at one of six nodes, and something at others.
      await release.underWay(fault, 0.2);
      await machine(fault, lost);
      try {
        await expectOnOthers(lost, fault);
      } finally {
        await machine(cure, lost);
      }
      const pods = await backOn(lost);
      await release.spread(fault, 6);
      await contents.expectOn(pods, fault);
    },
  );
});
