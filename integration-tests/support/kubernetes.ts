import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { helmProgram } from './helm.ts';
import type { Scope } from './scope.ts';

/** The part of an object that tests read. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
}

export interface Pod extends KubernetesObject {
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

/** Seconds that one command may take, unless it is told otherwise. */
const SECONDS = 60;

/** A namespace of the cluster that KUBECONFIG names, by kubectl and helm as people use them. */
export class Namespace {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /**
   * Made for one test and gone with its scope. It takes no pod that the strictest of the pod security standards
   * forbids, and warns of what it would.
   */
  static async create(scope: Scope, name: string): Promise<Namespace> {
    const namespace = new Namespace(`${name}-${Date.now().toString(36)}`);
    scope.defer(() => kubectl(['delete', 'namespace', namespace.name, '--wait=false', '--ignore-not-found']));
    const level = 'restricted';
    await namespace.apply({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: namespace.name,
        labels: {
          'pod-security.kubernetes.io/enforce': level,
          'pod-security.kubernetes.io/warn': level,
        },
      },
    });
    return namespace;
  }

  /** @returns standard output */
  kubectl(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    return kubectl(['--namespace', this.name, ...args], options);
  }

  /** @returns standard output and standard error, where warnings of the API server are told */
  async helm(args: readonly string[], seconds = 360): Promise<Output> {
    return command(await helmProgram(), ['--namespace', this.name, ...args], { seconds });
  }

  async apply(object: object): Promise<void> {
    await this.kubectl(['apply', '--filename', '-'], { input: JSON.stringify(object) });
  }

  async list<T extends KubernetesObject>(kind: string, selector = ''): Promise<readonly T[]> {
    const { items } = JSON.parse(
      await this.kubectl(['get', kind, '--output', 'json', ...(selector ? ['--selector', selector] : [])]),
    );
    return items;
  }

  /** Those that are not on their way out. */
  async pods(selector: string): Promise<readonly Pod[]> {
    return (await this.list<Pod>('pods', selector)).filter(isStaying);
  }

  /** Runs a script of JavaScript in a pod whose image has node. @returns what it printed */
  node(pod: string, script: string, args: readonly string[] = [], seconds = SECONDS): Promise<string> {
    return this.kubectl(['exec', pod, '--', 'node', '--eval', script, ...args], { seconds });
  }
}

/**
 * A pod that the strictest of the pod security standards lets run: JavaScript in an image that has node, with an empty
 * volume at `/scratch`.
 */
export function scriptPod(
  name: string,
  image: string,
  command: readonly string[],
  labels: Readonly<Record<string, string>> = {},
): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'script',
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['node', '--eval', ...command],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
        },
      ],
      volumes: [{ name: 'scratch', emptyDir: {} }],
    },
  };
}

/** Whether nobody has told it to go. */
export function isStaying({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined;
}

export function isReady(pod: Pod): boolean {
  return pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string;
  readonly seconds?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** @throws Error with what the command said, when it fails or takes too long */
export async function kubectl(args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return (await command('kubectl', args, options)).stdout;
}

/** @throws Error with what it said, when it fails or takes too long */
export async function command(
  program: string,
  args: readonly string[],
  { input = '', seconds = SECONDS, env = {} }: CommandOptions,
): Promise<Output> {
  const running = promisify(execFile)(program, args, {
    timeout: seconds * 1000,
    maxBuffer: 64 << 20,
    env: { ...process.env, ...env },
  });
  running.child.stdin?.end(input);
  try {
    return await running;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as Partial<Output>;
    throw new Error(`${program} ${args.join(' ')}\n${stderr}${stdout}`.trim(), { cause: error });
  }
}
