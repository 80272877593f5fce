import { SeededRandom } from '@pixtorrent/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Namespace } from '../support/kubernetes.ts';
import { requirement } from '../support/requirement.ts';
import { Scope } from '../support/scope.ts';
import { Announcer } from './announcer.ts';
import { certify } from './certified.ts';
import { Contents, MB } from './contents.ts';
import { FULL_NAME, Release, type ReleaseOptions, SLOW_LINES } from './release.ts';

const SEED = Number(process.env.PIXTORRENT_TEST_SEED ?? Date.now() % 2 ** 31);
/** A pod ends in the middle of a word. */
const AT_ONCE = ['--force', '--grace-period=0', '--wait=false'];

const MODES = {
  'in the clear': async (): Promise<ReleaseOptions> => ({}),
  'with mutual TLS': certify,
} as const;

describe.runIf(requirement('cluster-swarm')).each(Object.entries(MODES))(
  'a release on Kubernetes, %s',
  { timeout: 600_000 },
  (_, prepare) => {
    const scope = new Scope();
    let release: Release;
    let warnings: string;
    let contents: Contents;

    beforeAll(async () => {
      const namespace = await Namespace.create(scope, 'pix-swarm');
      const options = await prepare(namespace, await scope.folder());
      const values = { ...options.values, peerNode: { settings: SLOW_LINES } };
      ({ release, warnings } = await Release.install(scope, namespace, { ...options, values }));
      contents = new Contents(release, await scope.folder());
    }, 400_000);

    afterAll(() => scope.close(), 120_000);

    it('is installed where only restricted pods may run, without a warning', async () => {
      expect(warnings).toBe('');
      expect(await release.ready('peer-node', 3)).toHaveLength(3);
      expect(await release.ready('tracker', 2)).toHaveLength(2);
    });

    it('passes its own test', async () => {
      await release.test();
    });

    it('has what is published from outside of the cluster on every node', async () => {
      await contents.publish('weights', 500 * MB, '--wait');
      await contents.expectOn(await release.ready('peer-node', 3), 'weights');
    });

    it('is scaled from three nodes to eight, which get everything mostly from each other', async () => {
      const seeders = await release.pods('peer-node');
      const before = await release.moved(seeders, 'sent');
      const pods = await release.scale(8);
      await release.spread('weights', 8);
      await contents.expectOn(pods, 'weights');
      const names = seeders.map(({ metadata }) => metadata.name);
      const newcomers = pods.filter(({ metadata }) => !names.includes(metadata.name));
      const received = await release.moved(newcomers, 'received');
      expect(received).toBeGreaterThanOrEqual(5 * 500 * MB);
      const share = ((await release.moved(seeders, 'sent')) - before) / received;
      expect(share).toBeGreaterThan(0.05);
      expect(share).toBeLessThan(0.5);
    });

    it(`goes on while pods are deleted at random (PIXTORRENT_TEST_SEED=${SEED})`, async () => {
      const random = new SeededRandom(SEED);
      await contents.publish('deleted', 300 * MB);
      for (let i = 0; i < 3; i++) {
        const pods = await release.pods('peer-node');
        const { name } = pods[random.below(pods.length)]!.metadata;
        await release.namespace.kubectl(['delete', 'pod', name, ...AT_ONCE]);
      }
      const pods = await release.ready('peer-node', 8);
      await release.spread('deleted', 8);
      await contents.expectOn(pods, 'deleted');
    });

    it('goes on while Redis is deleted', async () => {
      const announcer = await Announcer.start(release.namespace);
      await contents.publish('redis', 100 * MB);
      const [redis] = await release.pods('redis');
      await release.namespace.kubectl(['delete', 'pod', redis!.metadata.name, ...AT_ONCE]);
      await release.spread('redis', 8);
      await release.ready('redis', 1);
      const { announces, failures } = await announcer.stop();
      expect(failures).toEqual([]);
      expect(announces).toBeGreaterThan(100);
      await contents.expectOn(await release.ready('peer-node', 8), 'redis');
    });

    it('fails no announce while the trackers are rolled during a transfer', async () => {
      const announcer = await Announcer.start(release.namespace);
      await contents.publish('rolled', 300 * MB);
      const tracker = `deployment/${FULL_NAME}-tracker`;
      await release.namespace.kubectl(['rollout', 'restart', tracker]);
      await release.namespace.kubectl(['rollout', 'status', tracker, '--timeout=180s'], { seconds: 200 });
      await release.spread('rolled', 8);
      const { announces, failures } = await announcer.stop();
      expect(failures).toEqual([]);
      expect(announces).toBeGreaterThan(100);
      await contents.expectOn(await release.ready('peer-node', 8), 'rolled');
    });

    it('is upgraded with other settings, and keeps its tokens and contents', async () => {
      const before = await release.pods('peer-node');
      await release.upgrade({ peerNode: { replicas: 8, settings: { PEER_SCRUB_RATE: '8MiB' } } });
      const pods = await release.ready('peer-node', 8);
      const uids = new Set(before.map(({ metadata }) => metadata.uid));
      expect(pods.some(({ metadata }) => uids.has(metadata.uid))).toBe(false);
      await contents.publish('upgraded', 10 * MB, '--wait');
      await contents.expectOn(pods, 'weights', 'upgraded');
    });

    it('is scaled from eight nodes to three, and loses nothing that only one had', async () => {
      const single = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => `single-${letter}`);
      for (const name of single) await contents.publish(name, 8 * MB, '--replicas', '1', '--wait');
      const pods = await release.scale(3);
      for (const name of single) {
        const { wanted } = await release.spread(name, 1);
        await contents.expectOn(
          pods.filter(({ metadata }) => wanted.includes(metadata.name)),
          name,
        );
      }
      await contents.expectOn(pods, 'weights');
    });

    it('leaves nothing but its volumes when it is uninstalled', async () => {
      await release.uninstall();
      const kinds = [
        'deployments,statefulsets,daemonsets,pods,services,endpointslices,secrets,configmaps,serviceaccounts',
        'networkpolicies,poddisruptionbudgets,horizontalpodautoscalers,ingresses,jobs,persistentvolumeclaims',
      ];
      // Pods take their time to end: Helm does not wait for them.
      await expect
        .poll(
          async () => {
            const left = await release.namespace.list(kinds.join(','), 'app.kubernetes.io/name=pixtorrent');
            return [...new Set(left.map(({ kind }) => kind))];
          },
          { timeout: 180_000 },
        )
        .toEqual(['PersistentVolumeClaim']);
    });
  },
);
