import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import {
  type ChannelCredentials,
  type ClientOptions,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { catalog, cluster, peer } from '@pixtorrent/contracts';
import { type Endpoint, printable } from '@pixtorrent/core';
import { CliError } from '../errors.ts';
import { interrupted } from '../interrupt.ts';
import { Kubernetes, type KubernetesOptions } from './kubernetes.ts';
import { DEFAULT_SERVER, serverOf } from './options.ts';

/** What a command says of how the services are reached. */
export interface ServiceOptions extends KubernetesOptions {
  readonly server?: Endpoint | undefined;
  readonly tlsCa?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** Name that certificates have to have. @default the host */
  readonly tlsServerName?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** @default that of `tokenFile`, else of the environment */
  readonly token?: string | undefined;
}

/** Milliseconds for an answer. */
const ANSWER = 15_000;
/** Bytes of a message: an entry with the largest torrent, and some more. */
const LARGEST_MESSAGE = 20 * 2 ** 20;
const OPTIONS: ClientOptions = {
  'grpc.max_receive_message_length': LARGEST_MESSAGE,
  'grpc.keepalive_time_ms': 20_000,
};

/** The services of a cluster, as the command line calls them. */
export class Services {
  readonly server: string;
  readonly catalog: catalog.CatalogServiceClient;
  readonly cluster: cluster.ClusterServiceClient;
  readonly #credentials: ChannelCredentials;
  readonly #token: string | undefined;
  readonly #options: ClientOptions;
  readonly #kubernetes: Kubernetes | undefined;
  readonly #tls: Tls | undefined;
  readonly #nodes = new Map<string, Promise<peer.PeerServiceClient>>();

  private constructor(where: Where, tls: Tls | undefined, token: string | undefined) {
    const channel =
      tls === undefined
        ? credentials.createInsecure()
        : credentials.createSsl(tls.ca, tls.key ?? null, tls.cert ?? null);
    const name = tls?.servername === undefined ? {} : { 'grpc.ssl_target_name_override': tls.servername };
    const options = { ...OPTIONS, ...name };
    this.server = where.server;
    this.#kubernetes = where.kubernetes;
    this.#tls = tls;
    this.#credentials = channel;
    this.#options = options;
    this.#token = token;
    this.catalog = new catalog.CatalogServiceClient(this.server, channel, options);
    this.cluster = new cluster.ClusterServiceClient(this.server, channel, options);
  }

  /** @throws CliError; the system's error where a file cannot be read */
  static async open(options: ServiceOptions): Promise<Services> {
    const { tlsCa, tlsCert, tlsKey, tlsServerName, tokenFile } = options;
    const tls =
      tlsCa === undefined
        ? undefined
        : {
            ca: await readFile(tlsCa),
            ...(tlsKey !== undefined && { key: await readFile(tlsKey) }),
            ...(tlsCert !== undefined && { cert: await readFile(tlsCert) }),
            ...(tlsServerName !== undefined && { servername: tlsServerName }),
          };
    const token =
      options.token ??
      (tokenFile === undefined
        ? process.env.PIXTORRENT_TOKEN
        : (await readFile(tokenFile, 'utf8')).split('\n')[0]?.trim());
    return new Services(await whereIs(options), tls, token);
  }

  /** @param address HOST:PORT of its gRPC port, as the cluster has it @throws CliError */
  node(address: string): Promise<peer.PeerServiceClient> {
    let client = this.#nodes.get(address);
    if (client === undefined) {
      client = this.#reach(address);
      this.#nodes.set(address, client);
    }
    return client;
  }

  /**
   * Content by its name, as a node gives it over HTTP.
   * @param address HOST:PORT of its HTTP port, as the cluster has it
   * @throws CliError where it does not answer
   */
  async content(address: string, name: string): Promise<IncomingMessage> {
    const reached = (await this.#kubernetes?.node(address)) ?? address;
    const tls = this.#tls;
    const { get } = await (tls === undefined ? import('node:http') : import('node:https'));
    const url = `${tls === undefined ? 'http' : 'https'}://${reached}/v1/content/${encodeURIComponent(name)}`;
    return new Promise((resolve, reject) => {
      const request = get(url, { timeout: ANSWER, signal: interrupted, agent: false, ...tls }, resolve);
      request.once('timeout', () => request.destroy(new Error(`no answer for ${ANSWER / 1000} s`)));
      request.once('error', (cause) => {
        const message = `the node at ${address} gives no content (${printable(cause.message, 500)})`;
        reject(interrupted.aborted ? interrupted.reason : new CliError('unreachable', message, { cause }));
      });
    });
  }

  async #reach(address: string): Promise<peer.PeerServiceClient> {
    const reached = (await this.#kubernetes?.node(address)) ?? address;
    return new peer.PeerServiceClient(reached, this.#credentials, this.#options);
  }

  /** What goes with a call that changes a node. */
  authorization(): Metadata {
    const metadata = new Metadata();
    if (this.#token) metadata.set('authorization', `Bearer ${this.#token}`);
    return metadata;
  }

  /** All nodes, with what they have. @throws CliError */
  async nodes(): Promise<cluster.Node[]> {
    const { nodes } = await answer<cluster.ListNodesResponse>(
      `the tracker service at ${this.server}`,
      (done) => this.cluster.listNodes({ holdings: true }, new Metadata(), soon(), done),
    );
    return nodes;
  }

  /** Every version of every name, or of one. @throws CliError */
  async entries(name?: string): Promise<Entries> {
    const all: catalog.Entry[] = [];
    let stale = false;
    let pageToken = '';
    do {
      const page = await answer<catalog.ListResponse>(`the tracker service at ${this.server}`, (done) =>
        this.catalog.list(
          { pageSize: 1000, pageToken, labels: {}, allVersions: true },
          new Metadata(),
          soon(),
          done,
        ),
      );
      all.push(...page.entries.filter((entry) => name === undefined || entry.name === name));
      stale ||= page.stale;
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return { entries: all, stale };
  }

  close(): void {
    this.catalog.close();
    this.cluster.close();
    for (const client of this.#nodes.values())
      client.then(
        (reached) => reached.close(),
        () => {},
      );
    this.#kubernetes?.close();
  }
}

/** In the order of names and versions. */
export interface Entries {
  readonly entries: readonly catalog.Entry[];
  /** Whether it is what a tracker service remembers while its Redis is away: something may have come or gone since. */
  readonly stale: boolean;
}

/** What to tell of entries that are stale. */
export const STALE = 'Redis does not answer the tracker service: what has come or gone since is not shown';

interface Tls {
  readonly ca: Buffer;
  readonly key?: Buffer;
  readonly cert?: Buffer;
  /** Name that certificates have to have. @default the host */
  readonly servername?: string;
}

interface Where {
  /** HOST:PORT of the tracker service. */
  readonly server: string;
  /** The way there, where it leads into a cluster. */
  readonly kubernetes?: Kubernetes;
}

async function whereIs(options: ServiceOptions): Promise<Where> {
  const isKubernetes = options.context !== undefined || options.namespace !== undefined;
  const said = isKubernetes ? options.server : serverOf(options);
  const found = said === undefined ? await Kubernetes.find(options) : undefined;
  const { host, port } = said ?? found?.tracker ?? DEFAULT_SERVER;
  const server = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return found === undefined ? { server } : { server, kubernetes: found.kubernetes };
}

/** The deadline of a question. */
export function soon(): { readonly deadline: number } {
  return { deadline: Date.now() + ANSWER };
}

/** @param who for messages: whom the question goes to @throws CliError */
export async function answer<T>(
  who: string,
  ask: (done: (error: ServiceError | null, response?: T) => void) => { cancel(): void },
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const call = ask((error, response) => {
      interrupted.removeEventListener('abort', cancel);
      if (error) reject(interrupted.aborted ? interrupted.reason : failureOf(error, who));
      else resolve(response!);
    });
    const cancel = (): void => call.cancel();
    interrupted.addEventListener('abort', cancel, { once: true });
  });
}

/** Each message of a stream. @throws CliError */
export async function* messages<T>(
  who: string,
  stream: ClientReadableStream<T>,
): AsyncGenerator<T, void, void> {
  const cancel = (): void => stream.cancel();
  interrupted.addEventListener('abort', cancel, { once: true });
  try {
    yield* stream as AsyncIterable<T>;
  } catch (error) {
    throw interrupted.aborted ? interrupted.reason : failureOf(error as ServiceError, who);
  } finally {
    interrupted.removeEventListener('abort', cancel);
    stream.cancel();
  }
}

/** Without what gRPC adds for those who look into it. */
function plain(said: string): string {
  return said.replace(/^.*Last error: (?:Error: )?/, '').replace(/\.? Resolution note:.*$/, '');
}

/** What the refusal of a service means for whoever called the command. */
export function failureOf(error: ServiceError, who: string): CliError {
  const said = printable(error.details || error.message, 500).replace(/^(?:header\.)?publication\./, '');
  const cause = { cause: error };
  switch (error.code) {
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
      return new CliError(
        'unreachable',
        `${who} does not answer (${plain(said)}); is --server right?`,
        cause,
      );
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return new CliError(
        'refused',
        `${who} refuses: ${said}; give its token by --token-file or PIXTORRENT_TOKEN`,
        cause,
      );
    case status.NOT_FOUND:
    case status.INVALID_ARGUMENT:
    case status.ALREADY_EXISTS:
      return new CliError('bad-input', said, cause);
    case status.RESOURCE_EXHAUSTED:
    case status.FAILED_PRECONDITION:
    case status.ABORTED:
      return new CliError('refused', `${who} refuses: ${said}`, cause);
    default:
      return new CliError('unreachable', `${who} failed: ${said}`, cause);
  }
}
