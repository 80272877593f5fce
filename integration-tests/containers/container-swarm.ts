import { createHash } from 'node:crypto';
import {
  GenericContainer,
  Network,
  type StartedNetwork,
  type StartedTestContainer,
  Wait,
} from 'testcontainers';
import { type ImageName, imageOf, REDIS_IMAGE } from '../support/images.ts';
import { until } from '../support/processes.ts';
import type { Scope } from '../support/scope.ts';
import { ConfinedContainer } from './container.ts';

const TOKEN = 'a-token-of-the-container-tests';
const GRPC = { tracker: 6970, metrics: 6973 };
const HTTP = { gateway: 6880, metrics: 6974 };
const OPERATIONS = { tracker: 6971, 'peer-node': 6883, metrics: HTTP.metrics };
const START_MILLISECONDS = 90_000;

/** What the metrics service says of a swarm, as far as this looks at it. */
export interface Health {
  readonly nodes: number;
  readonly whole: number;
}

/** The system on a network of its own: Redis, a tracker, peer-nodes and metrics, each from its image. */
export class ContainerSwarm {
  readonly #scope: Scope;
  readonly #network: StartedNetwork;
  readonly #nodes = new Map<string, StartedTestContainer>();
  #tracker!: StartedTestContainer;
  #metrics!: StartedTestContainer;

  private constructor(scope: Scope, network: StartedNetwork) {
    this.#scope = scope;
    this.#network = network;
  }

  static async start(scope: Scope): Promise<ContainerSwarm> {
    const network = await new Network().start();
    scope.defer(() => network.stop());
    const swarm = new ContainerSwarm(scope, network);
    await swarm.#run(
      new GenericContainer(REDIS_IMAGE)
        .withCommand(['redis-server', '--save', ''])
        .withNetwork(network)
        .withNetworkAliases('redis')
        .withWaitStrategy(Wait.forLogMessage('Ready to accept connections')),
    );
    await swarm.startTracker();
    swarm.#metrics = await swarm.#service('metrics', 'metrics', [HTTP.metrics], {});
    return swarm;
  }

  get tracker(): StartedTestContainer {
    return this.#tracker;
  }

  get metrics(): StartedTestContainer {
    return this.#metrics;
  }

  node(name: string): StartedTestContainer {
    return this.#nodes.get(name)!;
  }

  /** The first, or one in the place of the one before. */
  async startTracker(): Promise<void> {
    this.#tracker = await this.#service('tracker', 'tracker', [OPERATIONS.tracker], {
      TRACKER_STORE: 'redis',
      REDIS_URL: 'redis://redis:6379',
    });
  }

  async addNode(name: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const node = await this.#service('peer-node', name, [HTTP.gateway, OPERATIONS['peer-node']], {
      PEER_TRACKER: `tracker:${GRPC.tracker}`,
      PEER_METRICS: `metrics:${GRPC.metrics}`,
      PEER_TOKEN: TOKEN,
      PEER_DISK_BUDGET: '10GiB',
      ...env,
    });
    this.#nodes.set(name, node);
  }

  /** Gives a node content over HTTP. */
  async publish(node: string, name: string, content: Buffer, replicas = 'all'): Promise<void> {
    const query = replicas === 'all' ? '' : `?replicas=${replicas}`;
    const response = await fetch(`${this.#gateway(node)}/${name}/${name}.bin${query}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${TOKEN}` },
      body: new Uint8Array(content),
    });
    if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  }

  /** The SHA-256 of what a node gives for a name. */
  async digest(node: string, name: string): Promise<string> {
    const response = await fetch(`${this.#gateway(node)}/${name}`);
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    const hash = createHash('sha256');
    for await (const part of response.body!) hash.update(part);
    return hash.digest('hex');
  }

  /** Bytes of use that a node has had from others since it started. */
  async received(node: string): Promise<number> {
    const url = this.#url(this.node(node), OPERATIONS['peer-node']);
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/^pixtorrent_peer_received_bytes_total\{use="useful"\} (\S+)$/m.exec(text)?.[1]);
  }

  /** Waits until as many nodes have all of it, and says so to the metrics service. */
  async whole(name: string, nodes: number, seconds: number): Promise<Health> {
    const url = `${this.#url(this.#metrics, HTTP.metrics)}/v1/swarms/${name}@1`;
    let seen = '';
    return until(
      seconds,
      async () => {
        seen = await (await fetch(url)).text();
        const health = JSON.parse(seen) as Health;
        return health.whole === nodes ? health : undefined;
      },
      () => new Error(`${nodes} nodes do not have ${name}: ${seen}`),
      200,
    );
  }

  /** A file of the metrics service's page. */
  async page(name: string): Promise<string> {
    const response = await fetch(`${this.#url(this.#metrics, HTTP.metrics)}/${name}`);
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    return response.text();
  }

  /** What the command says, run on the same network. @throws Error where it ends with another code than 0 */
  async command(args: readonly string[]): Promise<string> {
    const container = new ConfinedContainer(imageOf('cli'))
      .withNetwork(this.#network)
      .withEnvironment({ PIXTORRENT_SERVER: `tracker:${GRPC.tracker}`, PIXTORRENT_TOKEN: TOKEN })
      .withCommand([...args])
      .withWaitStrategy(Wait.forOneShotStartup());
    const ended = await this.#run(container);
    let output = '';
    for await (const part of await ended.logs()) output += part;
    return output;
  }

  async #service(
    image: Exclude<ImageName, 'cli'>,
    name: string,
    ports: readonly number[],
    env: Readonly<Record<string, string>>,
  ): Promise<StartedTestContainer> {
    const container = new ConfinedContainer(imageOf(image))
      .withNetwork(this.#network)
      .withNetworkAliases(name)
      .withHostname(name)
      .withExposedPorts(...ports)
      .withEnvironment(env)
      .withStartupTimeout(START_MILLISECONDS)
      .withWaitStrategy(Wait.forHttp('/readyz', OPERATIONS[image]));
    try {
      return await this.#run(container);
    } catch (error) {
      throw container.failure(`does not start: ${error}`);
    }
  }

  async #run(container: GenericContainer): Promise<StartedTestContainer> {
    const started = await container.start();
    this.#scope.defer(() => started.stop());
    return started;
  }

  #gateway(node: string): string {
    return `${this.#url(this.node(node), HTTP.gateway)}/v1/content`;
  }

  #url(container: StartedTestContainer, port: number): string {
    return `http://${container.getHost()}:${container.getMappedPort(port)}`;
  }
}
