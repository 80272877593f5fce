import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageOf } from '../support/images.ts';
import { isReady, Namespace, scriptPod } from '../support/kubernetes.ts';
import { until } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { Scope } from '../support/scope.ts';
import { type Component, FULL_NAME, Release } from './release.ts';

/** In a pod: prints which of the addresses HOST:PORT take a connection. */
const REACH = `
const { connect } = require('node:net');
Promise.all(process.argv.slice(1).map((address) => new Promise((done) => {
  const socket = connect({ host: address.split(':')[0], port: Number(address.split(':')[1]) });
  const end = (reached) => { socket.destroy(); done(reached ? [address] : []); };
  socket.setTimeout(4000, () => end(false));
  socket.on('connect', () => end(true)).on('error', () => end(false));
}))).then((reached) => console.log(JSON.stringify(reached.flat())));
`;

/** What listens in a pod of each component, by what it is. */
const PORTS: Readonly<Record<Component, Readonly<Record<string, number>>>> = {
  redis: { redis: 6379 },
  tracker: { announce: 6969, grpc: 6970, operations: 6971 },
  'peer-node': { content: 6880, peers: 6881, grpc: 6882, operations: 6883 },
  metrics: { grpc: 6973, operations: 6974 },
};

describe.runIf(requirement('cluster'))('the network of a release', { timeout: 300_000 }, () => {
  const scope = new Scope();
  let namespace: Namespace;
  let release: Release;

  beforeAll(async () => {
    namespace = await Namespace.create(scope, 'pix-network');
    ({ release } = await Release.install(scope, namespace, { values: { peerNode: { replicas: 1 } } }));
  }, 400_000);

  afterAll(() => scope.close(), 120_000);

  /** What a pod reaches, as `component port`, by the addresses of pods: names are no protection. */
  async function reachedFrom(where: Namespace, labels: Readonly<Record<string, string>>): Promise<string[]> {
    const name = 'stranger';
    await where.apply(
      scriptPod(name, imageOf('cli'), ['setInterval(() => {}, 1000)'], { app: name, ...labels }),
    );
    await until(
      60,
      async () => (await where.pods(`app=${name}`)).find(isReady),
      () => new Error('the stranger did not start'),
    );
    const named = new Map<string, string>();
    for (const component of Object.keys(PORTS) as Component[]) {
      const [pod] = await release.pods(component);
      for (const [port, number] of Object.entries(PORTS[component]))
        named.set(`${pod!.status.podIP}:${number}`, `${component} ${port}`);
    }
    // A policy holds from a moment after the API server knows the pod's address: what it holds back stays so.
    let last: string[] = [];
    await until(
      30,
      async () => {
        const before = last.join();
        last = JSON.parse(await where.node(name, REACH, [...named.keys()]));
        return last.join() === before ? last : undefined;
      },
      () => new Error('what the stranger reaches does not settle'),
    );
    await where.kubectl(['delete', 'pod', name]);
    return last.map((address) => named.get(address)!).sort();
  }

  it('lets a pod of the same namespace read, announce and exchange pieces, and nothing else', async () => {
    expect(await reachedFrom(namespace, {})).toEqual([
      'peer-node content',
      'peer-node peers',
      'tracker announce',
    ]);
  });

  it('lets a pod that is named a client call the services', async () => {
    expect(await reachedFrom(namespace, { [`${FULL_NAME}-client`]: 'true' })).toEqual([
      'metrics grpc',
      'metrics operations',
      'peer-node content',
      'peer-node grpc',
      'peer-node peers',
      'tracker announce',
      'tracker grpc',
    ]);
  });

  it('lets a pod of another namespace reach nothing', async () => {
    const elsewhere = await Namespace.create(scope, 'pix-elsewhere');
    expect(await reachedFrom(elsewhere, { [`${FULL_NAME}-client`]: 'true' })).toEqual([]);
  });
});
