import { randomInt } from 'node:crypto';
import { Bitfield, type InfoHash, type Logger, silentLogger, toHex } from '@pixtorrent/core';
import { Reputation } from '@pixtorrent/engine';
import { type Magnet, type Metainfo, pieceSize } from '@pixtorrent/metainfo';
import {
  backgroundTimers,
  Hasher,
  type HashProgress,
  Layout,
  type Listener,
  type PeerConnection,
  PieceCache,
  Slab,
  systemClock,
  TcpTransport,
  type TlsOptions,
} from '@pixtorrent/node-io';
import { ClientError } from './errors.ts';
import { ClientCounters } from './figures/client-counters.ts';
import { type ClientFigures, clientFigures } from './figures/client-figures.ts';
import { fetchMetadata, type MagnetOptions } from './magnet/fetch-metadata.ts';
import { type Limits, RateLimits } from './rate-limits.ts';
import type { ClientResources } from './resources.ts';
import { type OpenContent, openForDownload, openForSeeding } from './session/open-content.ts';
import type { SessionOptions } from './session/session-options.ts';
import { TorrentSession } from './session/torrent-session.ts';
import type { TrackerIdentity } from './trackers/session/session-stream.ts';
import { Trackers } from './trackers/trackers.ts';

export interface ClientOptions {
  /** Address to listen on. @default every address */
  readonly host?: string;
  /** 0 has the system pick one. @default 0 */
  readonly port?: number;
  /** Bytes of piece memory for all torrents together. @default 64 MiB */
  readonly memory?: number;
  /** Bytes a second for all torrents together, 0 for no limit. @default 0 */
  readonly uploadRate?: number;
  /** Bytes a second for all torrents together, 0 for no limit. @default 0 */
  readonly downloadRate?: number;
  /** Name and version, told to peers. @default 'PixTorrent' */
  readonly clientName?: string;
  /**
   * The zone that this node is in, at most 63 bytes: a gRPC tracker names peers near it first.
   * @default unknown
   */
  readonly zone?: string;
  /**
   * The machine that this node runs on, likewise.
   * @default unknown
   */
  readonly node?: string;
  /**
   * Certificates for `grpcs` trackers; each new stream uses those of its beginning.
   * @default the runtime's authorities, and none of this client's own
   */
  readonly trackerTls?: TrackerIdentity;
  /**
   * TLS between peers.
   * @default only plain connections
   */
  readonly tls?: TlsOptions;
  readonly logger?: Logger;
}

export interface DownloadOptions extends SessionOptions, HashProgress {
  /** The folder that the content's file or folder is put into. */
  readonly dir: string;
  /** Indexes into `metainfo.files` of what to get. @default everything */
  readonly selected?: ReadonlySet<number>;
}

export interface SeedOptions extends SessionOptions, HashProgress {
  /** The folder that holds the content's file or folder. */
  readonly dir: string;
}

const DEFAULT_MEMORY = 64 * 1024 * 1024;
const MAX_LABEL_BYTES = 63;

/** Many torrents on one port: what the command line and the services are made of. */
export class Client {
  readonly #options: ClientOptions;
  readonly #logger: Logger;
  readonly #reputation = new Reputation();
  readonly #sessions = new Map<string, TorrentSession>();
  readonly #limits: RateLimits;
  readonly #resources: ClientResources;
  readonly #listener: Listener;
  readonly #trackers: Trackers;
  #closed = false;

  private constructor(
    options: ClientOptions,
    resources: ClientResources,
    listener: Listener,
    trackers: Trackers,
  ) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#resources = resources;
    this.#listener = listener;
    this.#trackers = trackers;
    this.#limits = new RateLimits(options);
  }

  /** Listens. @throws NetworkError where the port cannot be had; RangeError for a label that is too long */
  static async open(options: ClientOptions = {}): Promise<Client> {
    const trackers = new Trackers(
      { clock: systemClock, timers: backgroundTimers },
      {
        zone: label('zone', options.zone),
        node: label('node', options.node),
        ...(options.trackerTls && { tls: options.trackerTls }),
      },
    );
    const slab = new Slab({ limit: options.memory ?? DEFAULT_MEMORY });
    const transport = new TcpTransport(backgroundTimers, { ...(options.tls && { tls: options.tls }) });
    let client: Client | undefined;
    const listener = await transport.listen({
      ...(options.host !== undefined && { host: options.host }),
      port: options.port ?? 0,
      lookup: (hash) => client?.lookup(hash),
      connected: (connection) => client?.accept(connection),
    });
    const resources: ClientResources = {
      transport,
      timers: backgroundTimers,
      slab,
      cache: new PieceCache(slab),
      hasher: new Hasher(),
      port: listener.port,
      announce: trackers.announce,
      counters: new ClientCounters(),
      clientName: options.clientName ?? 'PixTorrent',
      seed: () => randomInt(2 ** 47),
    };
    client = new Client(options, resources, listener, trackers);
    return client;
  }

  /** The address listened on; `0.0.0.0` stands for every one. */
  get host(): string {
    return this.#options.host ?? '0.0.0.0';
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Connections closed since the start: because they were plain and TLS is required, or because no TLS came about. */
  get refused(): Listener['refused'] {
    return this.#listener.refused;
  }

  /** For all torrents together. */
  get limits(): Limits {
    return this.#limits.current;
  }

  /** Takes effect at once; what is left out stays as it is. @throws RangeError for a rate below 0 */
  setLimits(limits: Partial<Limits>): void {
    this.#limits.set(limits);
  }

  /** What it has done since it was opened, and how it is now; takes a step per connection. */
  figures(): ClientFigures {
    return clientFigures(this.#resources, this.sessions);
  }

  get sessions(): Iterable<TorrentSession> {
    return this.#sessions.values();
  }

  /** Starts what hashes: else the first torrent waits for it. */
  warmUp(): void {
    this.#resources.hasher.warmUp();
  }

  /**
   * Gets a torrent, after a check of what is there already. The session is to be started by its `start`.
   * @throws ClientError, StorageError; the signal's reason when it is aborted
   */
  async download(metainfo: Metainfo, options: DownloadOptions): Promise<TorrentSession> {
    this.#refuseSecond(metainfo);
    this.#resources.hasher.warmUp();
    const { dir, selected } = options;
    const content = await openForDownload(
      this.#resources,
      this.#logger,
      { metainfo, dir, selected },
      options,
    );
    const wanted = options.selective ? content.have : wantedPieces(metainfo, selected);
    return this.#add(metainfo, content, wanted, options);
  }

  /**
   * Seeds what is in a folder, after a check of it. The session is to be started by its `start`.
   * @throws ClientError where nothing of it is there, StorageError; the signal's reason when it is aborted
   */
  async seed(metainfo: Metainfo, options: SeedOptions): Promise<TorrentSession> {
    this.#refuseSecond(metainfo);
    const content = await openForSeeding(
      this.#resources,
      this.#logger,
      { metainfo, dir: options.dir },
      options,
    );
    if (content.have.count === 0) {
      await content.storage.close();
      throw new ClientError('nothing-to-seed', `nothing of ${metainfo.name} is in ${options.dir}`);
    }
    return this.#add(metainfo, content, content.have, options);
  }

  /** Gets the metainfo that a magnet link stands for, from peers (BEP 9). @throws ClientError `no-metadata` */
  fetchMetadata(magnet: Magnet, options: MagnetOptions = {}): Promise<Metainfo> {
    return fetchMetadata(this.#resources, this.#logger, magnet, options);
  }

  /**
   * Ends a session and lets go of it.
   * @param options `deleteData`: also deletes the torrent's own files. @default false
   * @throws StorageError where something could not be deleted: the session is gone all the same
   */
  async remove(session: TorrentSession, options: { readonly deleteData?: boolean } = {}): Promise<void> {
    await session.close();
    const key = toHex(session.metainfo.infoHash);
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    if (options.deleteData) await session.deleteData();
  }

  /** Ends all sessions in good order. May be called more than once. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const listening = this.#listener.close();
    await Promise.all([...this.#sessions.values()].map((session) => this.remove(session)));
    this.#resources.cache.close();
    await this.#trackers.close();
    await this.#resources.hasher.close();
    await listening;
  }

  /** For the listener: whether a torrent is known here. */
  lookup(hash: InfoHash): { peerId: TorrentSession['peerId']; shape: Metainfo } | undefined {
    const session = this.#sessions.get(toHex(hash));
    return session && { peerId: session.peerId, shape: session.metainfo };
  }

  /** For the listener: a peer has come in. */
  accept(connection: PeerConnection): void {
    const session = this.#sessions.get(toHex(connection.handshake.infoHash));
    if (session) session.accept(connection);
    else connection.destroy();
  }

  #refuseSecond(metainfo: Metainfo): void {
    if (this.#closed) throw new ClientError('closed', 'the client was closed');
    if (this.#sessions.has(toHex(metainfo.infoHash))) {
      throw new ClientError('already-open', `${metainfo.name} is open already`);
    }
  }

  #add(metainfo: Metainfo, content: OpenContent, wanted: Bitfield, options: SessionOptions): TorrentSession {
    const session = new TorrentSession(
      {
        ...content,
        metainfo,
        wanted,
        resources: this.#resources,
        allLimits: this.#limits,
        reputation: this.#reputation,
        logger: this.#logger.child({ torrent: toHex(metainfo.infoHash).slice(0, 8) }),
      },
      options,
    );
    this.#sessions.set(toHex(metainfo.infoHash), session);
    return session;
  }
}

function label(name: string, text = ''): string {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_LABEL_BYTES)
    throw new RangeError(`${name}: ${bytes} bytes, want at most ${MAX_LABEL_BYTES}`);
  return text;
}

/** The pieces that hold some byte of the selected files. */
function wantedPieces(metainfo: Metainfo, selected: ReadonlySet<number> | undefined): Bitfield {
  const wanted = new Bitfield(metainfo.pieceCount);
  if (selected === undefined) {
    wanted.fill();
    return wanted;
  }
  const layout = new Layout(metainfo, selected);
  for (let piece = 0; piece < metainfo.pieceCount; piece++) {
    const files = layout.filesOf(piece * metainfo.pieceLength, pieceSize(metainfo, piece));
    if (files.some((file) => selected.has(file))) wanted.add(piece);
  }
  return wanted;
}
