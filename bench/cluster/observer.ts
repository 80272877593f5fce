import { FULL_NAME } from '../../integration-tests/cluster/release.ts';
import { imageOf } from '../../integration-tests/support/images.ts';
import { isReady, type Namespace, scriptPod } from '../../integration-tests/support/kubernetes.ts';
import { Process, until } from '../../integration-tests/support/processes.ts';
import type { Scope } from '../../integration-tests/support/scope.ts';

const NAME = 'observer';

/**
 * In a pod: has every node that registers tell of its torrents ten times a second, and prints when a node has sent as
 * much as a piece, as it was seen here, and when it was whole, as it says itself.
 */
const OBSERVE = `
const load = require('node:module').createRequire('/app/cli/package.json');
const { credentials } = load('@grpc/grpc-js');
const { cluster, peer } = load('@pixtorrent/contracts');
const insecure = credentials.createInsecure();
// A node tells its address before it answers there: no other attempt may wait longer than what is measured is exact.
const soon = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 100 };
const followed = new Map();
const say = (event) => console.log(JSON.stringify(event));

function follow({ name, sinceMs, grpcAddress }) {
  if (grpcAddress === '' || followed.get(name)?.sinceMs === sinceMs) return;
  forget(name);
  const client = new peer.PeerServiceClient(grpcAddress, insecure, soon);
  const one = { sinceMs, client, said: new Set() };
  followed.set(name, one);
  watch(name, one);
}

function watch(name, one) {
  if (followed.get(name) !== one) return;
  const once = (what, at) => {
    if (!one.said.has(what)) say({ name, what, at });
    one.said.add(what);
  };
  const stream = one.client.watchTorrents({ infoHashes: [], intervalMs: 100 });
  stream.on('data', ({ torrents }) => {
    for (const { uploaded, pieceLength, completedMs } of torrents) {
      if (uploaded >= pieceLength) once('served', Date.now());
      if (completedMs > 0) once('complete', completedMs);
    }
  });
  stream.on('error', () => setTimeout(watch, 50, name, one));
}

function forget(name) {
  const one = followed.get(name);
  followed.delete(name);
  one?.client.close();
}

const nodes = new cluster.ClusterServiceClient(process.argv[1], insecure).watchNodes({ holdings: false });
nodes.on('data', ({ event }) => {
  if (event.$case === 'node') follow(event.node);
  if (event.$case === 'gone') forget(event.gone);
});
nodes.on('error', (error) => { throw error; });
`;

interface Seen {
  readonly name: string;
  readonly what: 'served' | 'complete';
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A client in the cluster that sees what the nodes of a release do, to a tenth of a second. */
export class Observer {
  readonly #log: Process;

  private constructor(log: Process) {
    this.#log = log;
  }

  static async start(scope: Scope, namespace: Namespace): Promise<Observer> {
    const labels = { app: NAME, [`${FULL_NAME}-client`]: 'true' };
    const tracker = `${FULL_NAME}-tracker:6970`;
    await namespace.apply(scriptPod(NAME, imageOf('cli'), [OBSERVE, tracker], labels));
    await until(
      60,
      async () => (await namespace.pods(`app=${NAME}`)).find(isReady),
      () => new Error('the observer did not start'),
    );
    const follow = ['kubectl', '--namespace', namespace.name, 'logs', '--follow', NAME];
    return new Observer(await Process.start(scope, NAME, follow));
  }

  /** When a node was whole, after a time: milliseconds since 1970. */
  async complete(node: string, after: number, seconds: number): Promise<number> {
    const isIt = (line: string): boolean => {
      const { name, what, at } = parse(line);
      return name === node && what === 'complete' && at > after;
    };
    return parse(await this.#log.line(`${node} that is whole`, isIt, seconds)).at;
  }

  /** When a node was first seen to have sent as much as a piece, after a time; undefined where it has not yet. */
  served(node: string, after: number): number | undefined {
    return this.#log.stdout
      .map(parse)
      .find(({ name, what, at }) => name === node && what === 'served' && at > after)?.at;
  }
}

function parse(line: string): Seen {
  return JSON.parse(line);
}
