import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type Endpoint, printable } from '@pixtorrent/core';
import { CliError } from '../errors.ts';
import { interrupted } from '../interrupt.ts';

/** What a command says of the Kubernetes that a swarm runs on. */
export interface KubernetesOptions {
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
}

/** Milliseconds for an answer of kubectl, and for a way into the cluster. */
const ANSWER = 15_000;
/** Ways into the cluster that are kept open at a time. */
const MOST_FORWARDS = 16;
const TRACKERS = 'app.kubernetes.io/name=pixtorrent,app.kubernetes.io/component=tracker';
const NODES = 'app.kubernetes.io/name=pixtorrent,app.kubernetes.io/component=peer-node';
/** Name that the chart gives to the port. */
const GRPC = 'grpc';

interface Listed {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly ports?: readonly { readonly name?: string; readonly port: number }[] };
  readonly status: { readonly podIP?: string; readonly phase?: string };
}

/** A swarm on Kubernetes, reached from outside through `kubectl port-forward`. */
export class Kubernetes {
  readonly #cluster: readonly string[];
  readonly #namespace: string;
  readonly #forwards: ChildProcess[] = [];

  private constructor(cluster: readonly string[], namespace: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
  }

  /**
   * Finds the tracker service of a release, in the namespace that is named or else that of the context.
   * @returns nothing where no context is named and kubectl, or a current context, is missing
   * @throws CliError where there is a cluster, and no swarm
   */
  static async find({
    context,
    namespace,
  }: KubernetesOptions): Promise<{ kubernetes: Kubernetes; tracker: Endpoint } | undefined> {
    const named = context !== undefined || namespace !== undefined;
    if (!named && (await ask(['config', 'current-context']).catch(() => undefined)) === undefined) return;
    const cluster = [
      ...(context === undefined ? [] : ['--context', context]),
      ...(namespace === undefined ? [] : ['--namespace', namespace]),
    ];
    const [service, another] = await list(cluster, 'services', TRACKERS);
    if (service === undefined)
      throw new CliError(
        'unreachable',
        `no swarm is installed in ${namespace === undefined ? 'the namespace of the kube context' : `namespace ${printable(namespace)}`}; say which with --namespace, or where the tracker service is with --server`,
      );
    if (another !== undefined)
      throw new CliError(
        'unreachable',
        `more than one swarm is installed there: ${service.metadata.name}, ${another.metadata.name}; say which tracker service with --server`,
      );
    const port = service.spec.ports?.find(({ name }) => name === GRPC)?.port;
    if (port === undefined)
      throw new CliError('unreachable', `service ${service.metadata.name} has no port named ${GRPC}`);
    const kubernetes = new Kubernetes(cluster, service.metadata.namespace);
    try {
      return { kubernetes, tracker: await kubernetes.#forward(`service/${service.metadata.name}`, port) };
    } catch (error) {
      kubernetes.close();
      throw error;
    }
  }

  /** A way to a node of the swarm. @param address HOST:PORT, as the cluster has it @returns HOST:PORT from here */
  async node(address: string): Promise<string> {
    const colon = address.lastIndexOf(':');
    const ip = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    const pods = await list([...this.#cluster, '--namespace', this.#namespace], 'pods', NODES);
    // One that has ended keeps its address, which another may have by now.
    const pod = pods.find(({ status }) => status.podIP === ip && status.phase === 'Running');
    if (pod === undefined) return address;
    const { host, port } = await this.#forward(`pod/${pod.metadata.name}`, Number(address.slice(colon + 1)));
    return `${host}:${port}`;
  }

  close(): void {
    for (const child of this.#forwards.splice(0)) child.kill();
  }

  async #forward(target: string, port: number): Promise<Endpoint> {
    if (this.#forwards.length === MOST_FORWARDS)
      throw new CliError('unreachable', `more than ${MOST_FORWARDS} ways into the cluster are not kept open`);
    const args = [...this.#cluster, '--namespace', this.#namespace, 'port-forward', '--address', '127.0.0.1'];
    const child = spawn('kubectl', [...args, target, `:${port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#forwards.push(child);
    return opened(child, `${target} of the cluster`);
  }
}

/** Where a `kubectl port-forward` listens, as soon as it does. */
async function opened(child: ChildProcess, what: string): Promise<Endpoint> {
  const { promise, resolve, reject } = Promise.withResolvers<Endpoint>();
  let said = '';
  const fail = (why: string): void =>
    reject(new CliError('unreachable', `there is no way to ${what}: ${printable(why, 500)}`));
  const deadline = setTimeout(() => fail(`kubectl took more than ${ANSWER / 1000} s`), ANSWER);
  const leave = (): void => reject(interrupted.reason);
  interrupted.addEventListener('abort', leave, { once: true });
  child.stderr!.on('data', (part: Buffer) => {
    said = (said + part.toString()).slice(0, 2000);
  });
  child.once('error', (error) => fail(error.message));
  child.once('close', () => fail(lastLine(said) ?? 'kubectl ended'));
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const port = /^Forwarding from 127\.0\.0\.1:(\d+) /.exec(line)?.[1];
    if (port !== undefined) resolve({ host: '127.0.0.1', port: Number(port) });
  });
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    interrupted.removeEventListener('abort', leave);
  }
}

async function list(cluster: readonly string[], kind: string, selector: string): Promise<readonly Listed[]> {
  const args = [...cluster, 'get', kind, '--selector', selector, '--output', 'json'];
  try {
    return JSON.parse(await ask(args)).items;
  } catch (error) {
    if (interrupted.aborted) throw interrupted.reason;
    const { stderr = '', code } = error as { stderr?: string; code?: unknown };
    const why =
      code === 'ENOENT' ? 'kubectl is not installed' : (lastLine(stderr) ?? 'kubectl does not answer');
    throw new CliError(
      'unreachable',
      `the cluster cannot be asked: ${printable(why, 500)}; say where the tracker service is with --server`,
      { cause: error },
    );
  }
}

/** What kubectl says in the end: before it are its attempts. */
function lastLine(said: string): string | undefined {
  return said.trim().split('\n').at(-1)?.trim() || undefined;
}

async function ask(args: readonly string[]): Promise<string> {
  const options = { timeout: ANSWER, maxBuffer: 64 << 20, signal: interrupted };
  return (await promisify(execFile)('kubectl', args, options)).stdout;
}
