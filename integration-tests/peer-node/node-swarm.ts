import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { catalog, cluster, peer } from '@pixtorrent/contracts';
import { type ContentPlan, digestTree, writeTree } from '../support/content.ts';
import { type PeerNodeOptions, type PeerNodeProcess, startPeerNode } from '../support/peer-node.ts';
import { until } from '../support/processes.ts';
import { RedisServer } from '../support/redis-server.ts';
import type { Scope } from '../support/scope.ts';
import { startTrackerService, type TrackerService } from '../support/tracker-service.ts';

const HOST = '127.0.0.1';
const TOKEN = 'a-token-of-the-integration-tests';
const DEADLINE = 20_000;
/** Bytes of one message of an upload. */
const MESSAGE = 512 * 1024;

/** A folder of content, and the digests of what is in it. */
export interface Content {
  /** Of the folder. */
  readonly name: string;
  readonly folder: string;
  /** Bytes. */
  readonly size: number;
  readonly digests: Readonly<Record<string, string>>;
}

/** What a publication was acknowledged as. */
export interface Acknowledged extends Content {
  /** In the catalogue. */
  readonly entry: string;
  readonly version: number;
  readonly infoHash: string;
}

/** Files of all sizes, `bytes` altogether, in folders. */
export async function makeContent(scope: Scope, seed: string, bytes: number, files = 40): Promise<Content> {
  const plan: Record<string, number> = {};
  let left = bytes;
  for (let i = 0; i < files; i++) {
    const size = i === files - 1 ? left : Math.floor((left / (files - i)) * ((i % 7) / 3));
    plan[`${seed}/${i % 5}/file ${i}.bin`] = size;
    left -= size;
  }
  const folder = await scope.folder();
  await writeTree(folder, plan satisfies ContentPlan);
  return {
    name: seed,
    folder: join(folder, seed),
    size: bytes,
    digests: await digestTree(join(folder, seed)),
  };
}

/** A tracker service with its Redis, and peer-nodes, each a process of its own. */
export class NodeSwarm {
  readonly redis: RedisServer;
  readonly #scope: Scope;
  readonly #nodes: PeerNodeProcess[] = [];
  #tracker: TrackerService;

  private constructor(scope: Scope, redis: RedisServer, tracker: TrackerService) {
    this.#scope = scope;
    this.redis = redis;
    this.#tracker = tracker;
  }

  static async start(scope: Scope, nodes: number, env: Readonly<Record<string, string>> = {}) {
    const redis = await RedisServer.create(scope);
    await redis.start();
    const swarm = new NodeSwarm(scope, redis, await startTrackerService(scope, { env: trackerEnv(redis) }));
    await Promise.all(Array.from({ length: nodes }, (_, i) => swarm.add({ name: `n${i}`, env })));
    return swarm;
  }

  get tracker(): TrackerService {
    return this.#tracker;
  }

  /** Those that run, or did. */
  get nodes(): readonly PeerNodeProcess[] {
    return this.#nodes;
  }

  /** Starts one more. */
  async add(options: Omit<PeerNodeOptions, 'tracker'> = {}): Promise<PeerNodeProcess> {
    const node = await startPeerNode(this.#scope, {
      tracker: this.#tracker,
      ...options,
      env: { PEER_TOKEN: TOKEN, PEER_DISK_BUDGET: '100GiB', PEER_DRAIN_TIMEOUT: '0s', ...options.env },
    });
    this.#nodes.push(node);
    return node;
  }

  /** Ends one without a word. */
  async kill(node: PeerNodeProcess): Promise<void> {
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
    node.process.signal('SIGKILL');
    await node.process.exit(10);
  }

  /** Starts it again, with what is on its disk. */
  async revive(node: PeerNodeProcess, env: Readonly<Record<string, string>> = {}): Promise<PeerNodeProcess> {
    return this.add({ name: node.name, dir: node.dir, env });
  }

  async killTracker(): Promise<void> {
    this.#tracker.process.signal('SIGKILL');
    await this.#tracker.process.exit(10);
  }

  /** At the same ports. */
  async reviveTracker(): Promise<void> {
    const before = this.#tracker;
    this.#tracker = await startTrackerService(this.#scope, { ports: before, env: trackerEnv(this.redis) });
  }

  /** Uploads a folder to a node, as a tar archive. @throws ServiceError where it is not acknowledged */
  async publish(
    node: PeerNodeProcess,
    entry: string,
    content: Content,
    { replicas = 0, pieceLength = 0 } = {},
  ): Promise<Acknowledged> {
    const client = peerClient(node);
    const { promise, resolve, reject } = Promise.withResolvers<peer.UploadResponse>();
    const call = client.upload(authorized(), { deadline: Date.now() + 300_000 }, (error, response) =>
      error === null ? resolve(response) : reject(error),
    );
    promise.catch(() => {});
    call.on('error', () => {});
    const publication = { name: entry, replicas, labels: {}, pieceLength };
    call.write({
      part: {
        $case: 'header',
        header: { publication, content: { $case: 'directory', directory: content.name }, size: content.size },
      },
    });
    const tar = spawn('tar', ['--sort=name', '-C', content.folder, '-cf', '-', '.'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      for await (const chunk of tar.stdout as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length; at += MESSAGE) {
          if (call.destroyed) break;
          const isRoom = call.write({
            part: { $case: 'data', data: chunk.subarray(at, at + MESSAGE) },
          });
          if (!isRoom) await Promise.race([once(call, 'drain'), promise]);
        }
      }
      call.end();
      const { published } = await promise;
      const { version, infoHash } = published!;
      return { ...content, entry, version, infoHash: infoHash.toString('hex') };
    } finally {
      tar.kill();
      call.cancel();
      client.close();
    }
  }

  /** What a node says of a torrent; undefined where it has none, or does not answer. */
  async torrent(node: PeerNodeProcess, infoHash: string): Promise<peer.Torrent | undefined> {
    const request = { infoHash: Buffer.from(infoHash, 'hex'), pieces: false };
    try {
      return await asked(
        peerClient(node),
        async (client) => (await ask(client, client.getTorrent, request)).torrent,
      );
    } catch {
      return undefined;
    }
  }

  async holds(node: PeerNodeProcess, { infoHash }: Acknowledged): Promise<boolean> {
    return (await this.torrent(node, infoHash))?.state === peer.TorrentState.TORRENT_STATE_SEEDING;
  }

  /** Waits until all of these hold it. */
  async allHold(
    content: Acknowledged,
    seconds: number,
    nodes: readonly PeerNodeProcess[] = this.#nodes,
  ): Promise<void> {
    for (const node of nodes)
      await until(
        seconds,
        async () => (await this.holds(node, content)) || undefined,
        () => node.process.failure(`does not hold ${content.entry}`),
        50,
      );
  }

  /** Bytes a second that a node gets at the most; 0 for no limit. */
  async limitDownload(node: PeerNodeProcess, downloadRate: number): Promise<void> {
    const request = { infoHash: Buffer.alloc(0), limits: { downloadRate, uploadRate: 0 } };
    await asked(peerClient(node), (client) => ask(client, client.setLimits, request));
  }

  /** Those of the nodes that hold it. */
  async holders(content: Acknowledged): Promise<readonly PeerNodeProcess[]> {
    const holds = await Promise.all(this.#nodes.map((node) => this.holds(node, content)));
    return this.#nodes.filter((_, i) => holds[i]);
  }

  /** The digests of the content as it lies on a node's disk. */
  onDisk(node: PeerNodeProcess, { infoHash, entry }: Acknowledged): Promise<Record<string, string>> {
    return digestTree(join(node.dir, 'content', infoHash, entry.split('/').at(-1)!));
  }

  /** Has one leave in good order. */
  async leave(node: PeerNodeProcess): Promise<void> {
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
    node.process.signal('SIGTERM');
    await node.process.exit(60);
  }

  async catalogue(): Promise<readonly catalog.Entry[]> {
    const request = { labels: {}, allVersions: true, pageSize: 1000, pageToken: '' };
    return asked(this.#catalog(), async (client) => (await ask(client, client.list, request)).entries);
  }

  /** The torrent file of an entry. */
  async torrentFile({ entry, version }: Acknowledged): Promise<Buffer> {
    const request = { name: entry, version };
    return asked(this.#catalog(), async (client) => (await ask(client, client.get, request)).entry!.torrent);
  }

  async remove({ entry, version }: Acknowledged): Promise<void> {
    await asked(this.#catalog(), (client) => ask(client, client.remove, { name: entry, version }));
  }

  /** The nodes that the tracker knows, with what they have. */
  async cluster(): Promise<readonly cluster.Node[]> {
    const client = new cluster.ClusterServiceClient(this.#address, credentials.createInsecure(), OWN_CHANNEL);
    return asked(client, async () => (await ask(client, client.listNodes, { holdings: true })).nodes);
  }

  /** Has the tracker name a peer that says it has everything (BEP 3). */
  async announce(infoHash: string, peerId: Buffer, port: number): Promise<void> {
    const ids = `info_hash=${escaped(infoHash)}&peer_id=${escaped(peerId.toString('hex'))}`;
    const rest = `port=${port}&uploaded=0&downloaded=0&left=0&event=started&compact=1`;
    const answer = await fetch(`http://${HOST}:${this.#tracker.http}/announce?${ids}&${rest}`);
    const body = Buffer.from(await answer.arrayBuffer()).toString('latin1');
    if (!answer.ok || body.includes('failure reason')) throw new Error(`refused: ${body}`);
  }

  /** How many peers the tracker knows that have everything, as any client is told (BEP 48). */
  async seeders(infoHash: string): Promise<number> {
    const url = `http://${HOST}:${this.#tracker.http}/scrape?info_hash=${escaped(infoHash)}`;
    const body = Buffer.from(await (await fetch(url)).arrayBuffer()).toString('latin1');
    return Number(/8:completei(\d+)e/.exec(body)?.[1] ?? 0);
  }

  get #address(): string {
    return `${HOST}:${this.#tracker.grpc}`;
  }

  #catalog(): catalog.CatalogServiceClient {
    return new catalog.CatalogServiceClient(this.#address, credentials.createInsecure(), OWN_CHANNEL);
  }
}

/** Figures of a node's `/metrics`, by name and labels as they are written there. */
export async function metricsOf(node: Pick<PeerNodeProcess, 'ops'>): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://${HOST}:${node.ops}/metrics`)).text();
  const figures = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && !line.startsWith('#')) figures.set(name, Number(value));
  }
  return figures;
}

/** Who was killed and is there again is not to be waited for as long as a channel that failed waits. */
const OWN_CHANNEL = { 'grpc.use_local_subchannel_pool': 1 };

function peerClient({ grpc }: PeerNodeProcess): peer.PeerServiceClient {
  return new peer.PeerServiceClient(`${HOST}:${grpc}`, credentials.createInsecure(), OWN_CHANNEL);
}

/** Closes a client when it has been used. */
async function asked<Client extends { close(): void }, Result>(
  client: Client,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: { readonly deadline: number },
  done: (error: ServiceError | null, response: Response) => void,
) => unknown;

/** @throws ServiceError */
function ask<Request, Response>(
  client: object,
  method: Unary<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    method.call(client, request, authorized(), { deadline: Date.now() + DEADLINE }, (error, response) =>
      error === null ? resolve(response) : reject(error),
    );
  });
}

function escaped(hex: string): string {
  return hex.replace(/../g, '%$&');
}

function authorized(): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${TOKEN}`);
  return metadata;
}

function trackerEnv({ port }: RedisServer): Record<string, string> {
  return { TRACKER_STORE: 'redis', REDIS_URL: `redis://${HOST}:${port}` };
}
