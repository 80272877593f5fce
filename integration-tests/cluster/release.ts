import { PIXTORRENT } from '../support/clients/pixtorrent.ts';
import { CHART } from '../support/helm.ts';
import { IMAGE_REGISTRY, IMAGE_TAG, REDIS_IMAGE } from '../support/images.ts';
import { command, isReady, isStaying, type Namespace, type Output, type Pod } from '../support/kubernetes.ts';
import { until } from '../support/processes.ts';
import type { Scope } from '../support/scope.ts';

const RELEASE = 'pix';
/** What everything of it is named after. */
export const FULL_NAME = `${RELEASE}-pixtorrent`;
export const NODES = `statefulset/${FULL_NAME}-peer-node`;

export type Component = 'tracker' | 'peer-node' | 'metrics' | 'redis';

/** How far a content is, as `pixtorrent status` tells. */
export interface RollOut {
  readonly name: string;
  readonly infoHash: string;
  readonly whole: number;
  /** From 0 to 1. */
  readonly completion: number;
  readonly wanted: readonly string[];
  readonly nodes: readonly { readonly node: string; readonly have: number; readonly size: number }[];
}

export interface ReleaseOptions {
  /** Of the chart, over those of every test. */
  readonly values?: object;
  /** What the command line needs beside, for TLS. */
  readonly flags?: readonly string[];
}

/** For nodes that have a line each, which is slower than what they share in tests: the processors of one machine. */
export const SLOW_LINES = { PEER_UPLOAD_RATE: '8MiB' };

/** Small, of the images that were built here, with a volume for each node. */
function valuesOfTests(): object {
  const [, repository, tag] = /^(.+):([^:/]+)$/.exec(REDIS_IMAGE) ?? [];
  const resources = { requests: { cpu: '10m', memory: '64Mi' } };
  return {
    image: { registry: IMAGE_REGISTRY, tag: IMAGE_TAG },
    tracker: { resources },
    metrics: { resources },
    redis: { image: { repository, tag }, resources },
    peerNode: { resources, storage: { size: '4Gi' }, drainSeconds: 120 },
  };
}

/** A release of the chart, installed and used as people do. */
export class Release {
  readonly namespace: Namespace;
  readonly #options: ReleaseOptions;
  #token = '';

  private constructor(namespace: Namespace, options: ReleaseOptions) {
    this.namespace = namespace;
    this.#options = options;
  }

  /** @returns the release, and what there was to warn of */
  static async install(
    scope: Scope,
    namespace: Namespace,
    options: ReleaseOptions = {},
  ): Promise<{ readonly release: Release; readonly warnings: string }> {
    const release = new Release(namespace, options);
    scope.defer(() => release.uninstall());
    const { stderr } = await release.upgrade();
    const secret = ['get', 'secret', `${FULL_NAME}-auth`, '--output', 'jsonpath={.data.tokens}'];
    release.#token = Buffer.from(await namespace.kubectl(secret), 'base64').toString();
    return { release, warnings: stderr.trim() };
  }

  /** Fulfilled when every pod is ready. @param values over those that it was installed with */
  async upgrade(values: object = {}): Promise<Output> {
    const layers = [valuesOfTests(), this.#options.values ?? {}, values];
    return this.namespace.helm([
      ...['upgrade', '--install', RELEASE, CHART, '--wait', '--timeout', '5m'],
      ...layers.flatMap((layer) => asFlags(layer)),
    ]);
  }

  async uninstall(): Promise<void> {
    await this.namespace.helm(['uninstall', RELEASE, '--wait', '--ignore-not-found']);
  }

  /** `helm test`. @throws Error with what it printed, where it fails */
  async test(): Promise<void> {
    await this.namespace.helm(['test', RELEASE, '--logs', '--timeout', '5m']);
  }

  /** Those that are not on their way out. */
  pods(component: Component): Promise<readonly Pod[]> {
    return this.namespace.pods(selectorOf(component));
  }

  /** Fulfilled with exactly so many pods of a component, all of them ready, and none on its way out. */
  async ready(component: Component, count: number, seconds = 180): Promise<readonly Pod[]> {
    let last = '';
    return until(
      seconds,
      async () => {
        const pods = await this.namespace.list<Pod>('pods', selectorOf(component));
        last = pods
          .map((pod) => `${pod.metadata.name} ${isReady(pod) ? 'ready' : pod.status.phase}`)
          .join(', ');
        return pods.length === count && pods.every((pod) => isReady(pod) && isStaying(pod))
          ? pods
          : undefined;
      },
      () => new Error(`not ${count} ready pods of ${component} within ${seconds} s, but: ${last}`),
      500,
    );
  }

  async scale(count: number, seconds = 300): Promise<readonly Pod[]> {
    await this.namespace.kubectl(['scale', NODES, `--replicas=${count}`]);
    return this.ready('peer-node', count, seconds);
  }

  /** Runs the command from outside of the cluster, on its way in by the kube context. */
  async pixtorrent(args: readonly string[], seconds = 240): Promise<string> {
    const [program, ...first] = PIXTORRENT;
    const { stdout } = await command(
      program,
      [...first, ...args, '--namespace', this.namespace.name, ...(this.#options.flags ?? []), '--json'],
      { seconds, env: { PIXTORRENT_TOKEN: this.#token } },
    );
    return stdout;
  }

  /** Undefined where it is not known, or the catalogue cannot be asked now. */
  async rollOut(name: string): Promise<RollOut | undefined> {
    const said = await this.pixtorrent(['status', name]).catch((error) => {
      if (/"code":"unreachable"/.test(error.message)) return undefined;
      throw error;
    });
    return said && JSON.parse(said).content.find((one: RollOut) => one.name === name);
  }

  /** Fulfilled when nodes have more than that part of it, from 0 to 1. */
  async underWay(name: string, completion: number, seconds = 60): Promise<void> {
    await until(
      seconds,
      async () => ((await this.rollOut(name))?.completion ?? 0) > completion || undefined,
      () => new Error(`${name} has not begun to spread after ${seconds} s`),
      100,
    );
  }

  /** Fulfilled when so many nodes have all of it. */
  async spread(name: string, nodes: number, seconds = 240): Promise<RollOut> {
    let last: RollOut | undefined;
    return until(
      seconds,
      async () => {
        last = await this.rollOut(name);
        return last !== undefined && last.whole >= nodes && last.whole === last.wanted.length
          ? last
          : undefined;
      },
      () =>
        new Error(
          `${name} is on ${last?.whole} of ${last?.wanted.length} nodes after ${seconds} s, not on ${nodes}`,
        ),
      500,
    );
  }

  /** SHA-256 of what was published as a file, as a node has it on its disk. */
  async digest(pod: Pod, name: string): Promise<string> {
    const path = `/data/by-name/${name.replaceAll('/', '+')}`;
    return (await this.namespace.node(pod.metadata.name, DIGEST_FILE, [path])).trim();
  }

  /** Bytes of content that nodes have moved from or to others, by their own count. */
  async moved(pods: readonly Pod[], direction: 'received' | 'sent'): Promise<number> {
    const counts = await Promise.all(
      pods.map(async ({ metadata }) => {
        const metrics = await this.namespace.node(metadata.name, FETCH, ['http://localhost:6883/metrics']);
        const counters = metrics.matchAll(
          new RegExp(`^pixtorrent_peer_peer_bytes_total{direction="${direction}".*} (\\d+)$`, 'gm'),
        );
        return [...counters].reduce((sum, [, count]) => sum + Number(count), 0);
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }
}

/** In a pod: prints the SHA-256 of a file. */
const DIGEST_FILE = `
const hash = require('node:crypto').createHash('sha256');
require('node:fs').createReadStream(process.argv[1], { highWaterMark: 4 << 20 })
  .on('data', (part) => hash.update(part)).on('end', () => console.log(hash.digest('hex')));
`;

/** In a pod: prints what a URL answers. */
const FETCH = `fetch(process.argv[1]).then(async (answer) => process.stdout.write(await answer.text()));`;

function selectorOf(component: Component): string {
  return `app.kubernetes.io/instance=${RELEASE},app.kubernetes.io/component=${component}`;
}

/** Every leaf by its path: what is not named stays as another layer has it. */
function asFlags(values: object, path: readonly string[] = []): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const here = [...path, key.replaceAll('.', '\\.')];
    const isBranch = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isBranch ? asFlags(value, here) : ['--set-json', `${here.join('.')}=${JSON.stringify(value)}`];
  });
}
