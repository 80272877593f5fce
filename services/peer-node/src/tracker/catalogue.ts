import { EventEmitter } from 'node:events';
import { type CallOptions, type Client, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { catalog as wire } from '@pixtorrent/contracts';
import { KeptStream, type KeptStreamDependencies, type StreamProgress } from '@pixtorrent/service-kit';
import { type EntryRecord, entryKey, type KnownEntry } from '../content/entry-record.ts';
import { entryMessage, entryOf, removedMessage, replicasMessage } from './catalog-messages.ts';
import type { TrackerLink } from './tracker-link.ts';

export interface CatalogueEvents {
  /** What is to be held is not what it was. */
  changed: [];
  /** Somebody removed it. */
  removed: [entry: GoneEntry];
}

/** Names one version of a name that is gone, and not another that got the same number later. */
export type GoneEntry = Pick<KnownEntry, 'name' | 'version' | 'published'>;

/** What is to be published. */
export interface Publishing {
  readonly name: string;
  readonly torrent: Uint8Array;
  readonly replicas: 'all' | number;
  readonly labels: Readonly<Record<string, string>>;
  /** The greatest version of the name that is known. */
  readonly after: number;
}

/** Milliseconds that the service has for an answer. */
const ANSWER = 10_000;
/** Of one question to restore. */
const MOST_ENTRIES = 100;
const MOST_BYTES = 15 * 2 ** 20;
const MOST_REMOVED = 1000;

/**
 * The catalogue, as far as this node knows. While the service is away the last that was known stands: only what
 * somebody removes is gone, never what was merely not told.
 */
export class Catalogue extends EventEmitter<CatalogueEvents> {
  readonly #link: TrackerLink;
  readonly #kept: KeptStream;
  #entries: ReadonlyMap<string, KnownEntry> = new Map();
  #first = Promise.withResolvers<void>();

  constructor(dependencies: KeptStreamDependencies & { readonly link: TrackerLink }) {
    super();
    this.#link = dependencies.link;
    this.#kept = new KeptStream('catalogue', (progress) => this.#open(progress), dependencies);
  }

  /** By NAME@VERSION. */
  get entries(): ReadonlyMap<string, KnownEntry> {
    return this.#entries;
  }

  /** Whether what is known is up to date. */
  get current(): boolean {
    return this.#kept.working;
  }

  /** Fulfilled when all entries have been told once. */
  whenKnown(): Promise<void> {
    return this.#first.promise;
  }

  /** The torrent of an entry; undefined where it is not there any more. @throws ServiceError */
  async torrentOf({ name, version }: KnownEntry): Promise<Uint8Array | undefined> {
    try {
      const { entry } = await this.#ask<wire.GetRequest, wire.GetResponse>('get', { name, version });
      return entry?.torrent;
    } catch (error) {
      if ((error as ServiceError).code === status.NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** @throws ServiceError */
  async publish({ name, torrent, replicas, labels, after }: Publishing): Promise<KnownEntry> {
    const { entry } = await this.#ask<wire.PublishRequest, wire.PublishResponse>('publish', {
      name,
      torrent: Buffer.from(torrent.buffer, torrent.byteOffset, torrent.byteLength),
      replicas: replicasMessage(replicas),
      labels: { ...labels },
      afterVersion: after,
    });
    return entryOf(entry!)!;
  }

  /**
   * Tells the catalogue what it may have lost.
   * @returns those that it does not take: they were removed
   * @throws ServiceError
   */
  async restore(
    lost: readonly { readonly entry: KnownEntry; readonly torrent: Uint8Array }[],
    removed: readonly EntryRecord[],
  ): Promise<GoneEntry[]> {
    const refused: wire.Removed[] = [];
    let failure: unknown;
    const ask = async (entries: wire.Entry[], gone: wire.Removed[]): Promise<void> => {
      const answer = await this.#ask<wire.RestoreRequest, wire.RestoreResponse>('restore', {
        entries,
        removed: gone,
      });
      refused.push(...answer.refused);
    };
    /** One that it does not take keeps it from taking no others: halves are asked apart. */
    const tell = async (batch: wire.Entry[]): Promise<void> => {
      try {
        await ask(batch, []);
      } catch (error) {
        const { code } = error as ServiceError;
        if (code !== status.INVALID_ARGUMENT && code !== status.RESOURCE_EXHAUSTED) throw error;
        failure ??= error;
        const half = batch.length >> 1;
        for (const part of half === 0 ? [] : [batch.slice(0, half), batch.slice(half)]) await tell(part);
      }
    };
    for (let at = 0; at < removed.length; at += MOST_REMOVED)
      await ask([], removed.slice(at, at + MOST_REMOVED).map(removedMessage));
    for (let batch: wire.Entry[] = [], bytes = 0, at = 0; at < lost.length; at++) {
      const { entry, torrent } = lost[at]!;
      batch.push(entryMessage(entry, torrent));
      bytes += torrent.length;
      const next = lost[at + 1];
      if (next && batch.length < MOST_ENTRIES && bytes + next.torrent.length <= MOST_BYTES) continue;
      await tell(batch);
      batch = [];
      bytes = 0;
    }
    if (failure !== undefined) throw failure;
    return refused.map(goneOf);
  }

  close(): void {
    this.#kept.close();
  }

  #open(progress: StreamProgress) {
    const client = this.#link.catalog;
    const stream = client.watch({ labels: {}, torrents: false, removals: true });
    const entries = new Map<string, KnownEntry>();
    const drop = (gone: wire.Removed): void => {
      if (entries.get(entryKey(gone))?.published === gone.publishedMs) entries.delete(entryKey(gone));
    };
    let synced = false;
    stream.on('data', ({ event }: wire.WatchResponse) => {
      if (event?.$case === 'published') {
        const entry = entryOf(event.published);
        if (entry !== undefined) entries.set(entryKey(entry), entry);
      } else if (event?.$case === 'removed') {
        drop(event.removed);
        this.emit('removed', goneOf(event.removed));
      } else if (event?.$case === 'lost') {
        drop(event.lost);
      } else if (event?.$case === 'synced') {
        synced = true;
        this.#entries = entries;
        progress.works();
        this.#first.resolve();
      }
      if (synced) this.emit('changed');
    });
    const over = (reason: string): void => {
      this.#link.next(client);
      progress.ended(reason);
    };
    stream.on('error', (error) => over(error.message));
    stream.on('end', () => over('the service ended it'));
    return { close: () => stream.cancel() };
  }

  #ask<Request, Response>(method: UnaryMethod, request: Request): Promise<Response> {
    const client: Client = this.#link.catalog;
    const call = (client as unknown as Record<UnaryMethod, Unary<Request, Response>>)[method];
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + ANSWER };
      call.call(client, request, new Metadata(), options, (error, response) =>
        error ? reject(error) : resolve(response!),
      );
    });
  }
}

function goneOf({ name, version, publishedMs }: wire.Removed): GoneEntry {
  return { name, version, published: publishedMs };
}

type UnaryMethod = 'get' | 'publish' | 'restore';
type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: CallOptions,
  done: (error: ServiceError | null, response?: Response) => void,
) => unknown;
