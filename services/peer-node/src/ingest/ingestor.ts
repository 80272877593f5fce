import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ServiceError, status } from '@grpc/grpc-js';
import { labelFaults, nameFault } from '@pixtorrent/catalog';
import { createTorrent, FILE_SYSTEM } from '@pixtorrent/client';
import { Bitfield, type Logger, printable, toHex } from '@pixtorrent/core';
import { createMetainfo, type Metainfo, MetainfoError, parseMetainfo } from '@pixtorrent/metainfo';
import { FileStorage, ResumeFile } from '@pixtorrent/node-io';
import type { ContentFolder } from '../content/content-folder.ts';
import type { Entries } from '../content/entries.ts';
import type { KnownEntry } from '../content/entry-record.ts';
import type { Replicator } from '../replication/replicator.ts';
import { type Torrents, TorrentsError } from '../torrents/torrents.ts';
import type { Catalogue } from '../tracker/catalogue.ts';
import { IngestError, type IngestErrorCode } from './errors.ts';
import { IncomingContent, type ReceivedContent } from './incoming-content.ts';

export interface IngestorDependencies {
  readonly folder: ContentFolder;
  readonly torrents: Torrents;
  readonly entries: Entries;
  readonly catalogue: Catalogue;
  readonly replicator: Replicator;
  readonly logger: Logger;
}

export interface IngestorOptions {
  /** Bytes of one content at the most. */
  readonly maxSize: number;
  /** Announce URLs that go into the torrents, a tier each: for clients that are no nodes. */
  readonly announce: readonly string[];
  /**
   * Contents that are taken in at the same time.
   * @default 8
   */
  readonly maxAtOnce?: number;
}

/** What is to be published, and under which name. */
export interface Publication {
  readonly name: string;
  readonly replicas: 'all' | number;
  readonly labels: Readonly<Record<string, string>>;
  /** Bytes. @default by the size */
  readonly pieceLength?: number;
}

/** What comes. */
export interface Incoming {
  /** Of the file; a folder is called like the last part of the name that it is published under. */
  readonly name: string;
  readonly directory: boolean;
  /** Bytes, where it is known. */
  readonly size?: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number) => void;
  /** Brings all of it. */
  fill(content: IncomingContent, signal: AbortSignal): Promise<void>;
}

export interface Published {
  readonly entry: KnownEntry;
  /** The newest version had the same content already. */
  readonly unchanged: boolean;
}

export interface IngestFigures {
  readonly underway: number;
  readonly published: number;
  readonly failed: number;
  /** Bytes that have come. */
  readonly received: number;
}

/** Bytes that room is reserved by, where it is not known how many come. */
const ROOM_STEP = 16 * 2 ** 20;
/** What a catalogue says that would say it again: the status, and what it is here. */
const REFUSALS: ReadonlyMap<status, IngestErrorCode> = new Map([
  [status.INVALID_ARGUMENT, 'invalid'],
  [status.FAILED_PRECONDITION, 'invalid'],
  [status.RESOURCE_EXHAUSTED, 'no-room'],
]);
const SMALLEST_PIECE = 16 * 1024;
const LARGEST_PIECE = 16 * 1024 * 1024;

/**
 * Takes content in: writes and hashes it as it comes, seeds it, and publishes it. What ends before that leaves nothing;
 * the same content under the same name is no news.
 */
export class Ingestor {
  readonly #deps: IngestorDependencies;
  readonly #options: Required<IngestorOptions>;
  readonly #closing = new AbortController();
  readonly #work = new Set<Promise<unknown>>();
  #published = 0;
  #failed = 0;
  #received = 0;

  constructor(dependencies: IngestorDependencies, options: IngestorOptions) {
    this.#deps = dependencies;
    this.#options = { maxAtOnce: 8, ...options };
  }

  get figures(): IngestFigures {
    const { size: underway } = this.#work;
    return { underway, published: this.#published, failed: this.#failed, received: this.#received };
  }

  /** @throws IngestError; the error of what brings the content */
  async ingest(publication: Publication, incoming: Incoming): Promise<Published> {
    checkPublication(publication);
    if (this.#closing.signal.aborted) throw new IngestError('draining', 'this node takes no more work');
    if (this.#work.size >= this.#options.maxAtOnce)
      throw new IngestError('busy', `${this.#work.size} contents are being taken in: try again later`);
    const signal = AbortSignal.any([incoming.signal, this.#closing.signal]);
    const work = this.#ingest(publication, { ...incoming, signal });
    this.#work.add(work);
    try {
      const published = await work;
      this.#published++;
      return published;
    } catch (error) {
      this.#failed++;
      if (this.#closing.signal.aborted)
        throw new IngestError('draining', 'this node takes no more work', { cause: error });
      throw error instanceof MetainfoError
        ? new IngestError('invalid', error.message, { cause: error })
        : error;
    } finally {
      this.#work.delete(work);
    }
  }

  /** Breaks off what is under way; fulfilled when nothing of it is left. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#work);
  }

  async #ingest(publication: Publication, incoming: Incoming): Promise<Published> {
    const { folder } = this.#deps;
    const { maxSize } = this.#options;
    const { directory, size, signal } = incoming;
    // The same folder is the same content, whoever brought it, and whatever it is called there.
    const name = directory ? publication.name.split('/').at(-1)! : incoming.name;
    const room = new ReservedRoom(this.#deps.replicator);
    const place = folder.paths.ingest(randomUUID());
    try {
      if (size !== undefined && size <= maxSize) await room.grow(size);
      await mkdir(place, { recursive: true });
      const content = new IncomingContent({
        folder: place,
        name,
        directory,
        size,
        maxSize,
        pieceLength: publication.pieceLength,
        ...(size === undefined && { room: (bytes) => room.grow(bytes, ROOM_STEP) }),
        ...(incoming.onProgress && { onProgress: incoming.onProgress }),
      });
      try {
        await incoming.fill(content, signal);
      } finally {
        this.#received += content.received;
      }
      const received = content.finish();
      signal.throwIfAborted();
      const torrent = await this.#torrentOf(join(place, name), name, received, publication, signal);
      const metainfo = parseMetainfo(torrent, { fileSystem: FILE_SYSTEM });
      // From here on it counts as a torrent.
      room.giveBack();
      const isNew = await this.#seed(torrent, metainfo, place);
      return await this.#publish(publication, torrent, metainfo, isNew);
    } finally {
      room.giveBack();
      await rm(place, { recursive: true, force: true });
    }
  }

  async #torrentOf(
    path: string,
    name: string,
    { content, hashes }: ReceivedContent,
    { pieceLength }: Publication,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const trackers = this.#options.announce.map((url) => [url]);
    if (hashes === undefined)
      return createTorrent(path, { trackers, signal, name, ...(pieceLength && { pieceLength }) });
    return createMetainfo({
      name,
      content,
      pieceLength: hashes.pieceLength,
      pieceHashes: hashes.finish(),
      trackers,
      fileSystem: FILE_SYSTEM,
    });
  }

  /**
   * Pinned until it is published: what nobody names would be nobody's to remove. Where some of it was here already, all
   * of it is now.
   * @returns whether nothing of it was here
   */
  async #seed(torrent: Uint8Array, metainfo: Metainfo, place: string): Promise<boolean> {
    const { torrents, folder, logger } = this.#deps;
    const target = folder.paths.content(metainfo.infoHash);
    const prepared = async (): Promise<void> => {
      await folder.settle(place, metainfo.infoHash);
      await vouch(target, metainfo);
    };
    const { infoHash } = metainfo;
    logger.info('took in', { name: printable(metainfo.name), infoHash: toHex(infoHash) });
    try {
      await torrents.add(torrent, metainfo, { pinned: true, prepared });
      return true;
    } catch (error) {
      if (!(error instanceof TorrentsError && error.code === 'known')) throw error;
    }
    await torrents.pin(infoHash, true);
    await torrents.supply(infoHash, prepared);
    return false;
  }

  async #publish(
    publication: Publication,
    torrent: Uint8Array,
    metainfo: Metainfo,
    isNew: boolean,
  ): Promise<Published> {
    const { catalogue, entries, torrents } = this.#deps;
    const { name, replicas, labels } = publication;
    const versions = [...catalogue.entries.values(), ...entries.live(), ...entries.removed()]
      .filter((entry) => entry.name === name)
      .map(({ version }) => version);
    const after = Math.max(0, ...versions);
    let entry: KnownEntry;
    try {
      entry = await catalogue.publish({ name, torrent, replicas, labels, after });
    } catch (error) {
      const { code, details } = error as ServiceError;
      const refused = REFUSALS.get(code);
      if (refused === undefined) {
        const message = 'all of it is here, but the catalogue does not answer: do the same again';
        throw new IngestError('catalogue', message, { cause: error });
      }
      if (isNew) await torrents.remove(metainfo.infoHash);
      throw new IngestError(refused, `the catalogue refuses it: ${printable(details, 500)}`, {
        cause: error,
      });
    }
    await entries.keep(entry);
    if (torrents.get(metainfo.infoHash)?.pinned) await torrents.pin(metainfo.infoHash, false);
    return { entry, unchanged: entry.version <= after };
  }
}

/** Room within the disk budget, for content that comes. */
class ReservedRoom {
  readonly #replicator: Replicator;
  readonly #parts: (() => void)[] = [];
  #bytes = 0;

  constructor(replicator: Replicator) {
    this.#replicator = replicator;
  }

  /**
   * @param bytes altogether @param ahead so many more at once, where there is as much: it is not asked for each batch
   * @throws IngestError `no-room`
   */
  async grow(bytes: number, ahead = 0): Promise<void> {
    if (bytes <= this.#bytes) return;
    const least = bytes - this.#bytes;
    for (const more of [least + ahead, least]) {
      const part = await this.#replicator.reserve(more);
      if (part === undefined) continue;
      this.#parts.push(part);
      this.#bytes += more;
      return;
    }
    throw new IngestError('no-room', `the disk budget of this node has no room for ${bytes} bytes`);
  }

  giveBack(): void {
    for (const part of this.#parts.splice(0)) part();
  }
}

/** Records that all of it is right: it was hashed on its way here. */
async function vouch(dir: string, metainfo: Metainfo): Promise<void> {
  const storage = FileStorage.forSeeding(dir, metainfo);
  try {
    const have = new Bitfield(metainfo.pieceCount);
    have.fill();
    await new ResumeFile(dir, metainfo).save(storage, have, true);
  } finally {
    await storage.close();
  }
}

/** @throws IngestError `invalid` */
export function checkPublication({ name, labels, replicas, pieceLength }: Publication): void {
  const fault = nameFault(name);
  if (fault !== undefined) throw new IngestError('invalid', `name: ${fault}`);
  const [label] = labelFaults(labels);
  if (label !== undefined) throw new IngestError('invalid', `${label.field}: ${label.reason}`);
  if (replicas !== 'all' && !(Number.isInteger(replicas) && replicas >= 1 && replicas < 2 ** 32))
    throw new IngestError('invalid', 'replicas: a number from 1, or all');
  if (pieceLength === undefined) return;
  const isPower = Number.isInteger(Math.log2(pieceLength));
  if (!isPower || pieceLength < SMALLEST_PIECE || pieceLength > LARGEST_PIECE)
    throw new IngestError('invalid', 'piece length: a power of two from 16 KiB to 16 MiB');
}
