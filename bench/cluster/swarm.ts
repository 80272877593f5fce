import { FULL_NAME, NODES, Release } from '../../integration-tests/cluster/release.ts';
import type { Namespace } from '../../integration-tests/support/kubernetes.ts';
import type { Scope } from '../../integration-tests/support/scope.ts';
import { Observer } from './observer.ts';
import { type Arrival, PROCESS, type Run, SECONDS } from './run.ts';

const NAME = 'bench';
const SOURCE = podName(0);

/** In a node's pod: when its process started, what CPU it took, the digest of its content, and what it has sent to peers. */
const ACCOUNT = `
${PROCESS}
const account = processOfPod();
const hash = require('node:crypto').createHash('sha256');
require('node:fs').createReadStream(process.argv[1], { highWaterMark: 4 << 20 })
  .on('data', (part) => hash.update(part))
  .on('end', async () => {
    const text = await (await fetch('http://localhost:6883/metrics')).text();
    const sent = [...text.matchAll(/^pixtorrent_peer_peer_bytes_total\\{.*"sent".*\\} (\\d+)$/gm)];
    const bytes = sent.reduce((sum, [, count]) => sum + Number(count), 0);
    console.log(JSON.stringify({ ...account, digest: hash.digest('hex'), sent: bytes }));
  });
`;

interface Account {
  readonly started: number;
  readonly cpu: number;
  readonly digest: string;
  /** Bytes. */
  readonly sent: number;
}

/** A release of one node that has the content, which is scaled up and down again. */
export class Swarm {
  readonly #namespace: Namespace;
  readonly #observer: Observer;

  private constructor(namespace: Namespace, observer: Observer) {
    this.#namespace = namespace;
    this.#observer = observer;
  }

  /** @param rate that each node sends at the most, bytes a second; 0 for any */
  static async install(
    scope: Scope,
    namespace: Namespace,
    file: string,
    size: number,
    rate: number,
  ): Promise<Swarm> {
    const values = {
      tracker: { replicas: 1 },
      redis: { mode: 'none' },
      metrics: { enabled: false },
      peerNode: {
        replicas: 1,
        storage: { type: 'emptyDir', size: `${Math.ceil(size / 2 ** 20) * 2 + 64}Mi` },
        drainSeconds: 0,
        preStopSeconds: 0,
        ...(rate > 0 && { settings: { PEER_UPLOAD_RATE: `${rate}B` } }),
      },
    };
    const { release } = await Release.install(scope, namespace, { values });
    const observer = await Observer.start(scope, namespace);
    await release.pixtorrent(['publish', file, '--name', NAME, '--wait']);
    return new Swarm(namespace, observer);
  }

  /** Has so many pods more start at once, waits until all are whole, and has them go. */
  async run(count: number): Promise<Run> {
    const before = await this.#account(SOURCE);
    const names = Array.from({ length: count }, (_, at) => podName(at + 1));
    const asked = Date.now();
    await this.#scale(1 + count);
    const complete = await Promise.all(names.map((name) => this.#observer.complete(name, asked, SECONDS)));
    const accounts = await Promise.all(names.map((name) => this.#account(name)));
    const source = await this.#account(SOURCE);
    await this.#scale(1);
    await this.#namespace.kubectl(
      ['wait', '--for=delete', ...names.map((name) => `pod/${name}`), `--timeout=${SECONDS}s`],
      { seconds: SECONDS },
    );
    const arrivals = names.map((name, at): Arrival => {
      const { sent: _, ...account } = accounts[at]!;
      const served = this.#observer.served(name, asked);
      return { ...account, complete: complete[at]!, ...(served !== undefined && { served }) };
    });
    return { asked, arrivals, sourceSent: source.sent - before.sent };
  }

  async #scale(count: number): Promise<void> {
    await this.#namespace.kubectl(['scale', NODES, `--replicas=${count}`]);
  }

  async #account(pod: string): Promise<Account> {
    return JSON.parse(await this.#namespace.node(pod, ACCOUNT, [`/data/by-name/${NAME}`], SECONDS));
  }
}

function podName(ordinal: number): string {
  return `${FULL_NAME}-peer-node-${ordinal}`;
}
