import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type InfoHash, printable, toHex } from '@pixtorrent/core';
import { HashError } from '../hashing/errors.ts';
import type { WriteTarget } from '../hashing/hash-worker.ts';
import { StorageError, storageError } from './errors.ts';
import { HandlePool } from './handle-pool.ts';
import { inLanes } from './in-lanes.ts';
import { type ContentShape, Layout, type Segment } from './layout.ts';
import { SafeFolder, SIDE_FOLDER } from './safe-open.ts';
import type { Storage } from './storage.ts';
import { Turns } from './turns.ts';

export interface FileStorageOptions {
  /**
   * Indexes of the files to keep; the others are not created.
   * @default every file
   */
  readonly selected?: ReadonlySet<number>;
  /**
   * Files held open at once.
   * @default 128
   */
  readonly maxOpenFiles?: number;
}

/** Size and time of the last change of a file, to find out later whether somebody changed it. */
export interface FileStamp {
  /** Bytes. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly modified: bigint;
}

/** What is kept: a torrent, or, without an info hash, what is to become one. */
export interface StoredContent extends ContentShape {
  readonly infoHash?: InfoHash;
}

/** A torrent's files below a folder. */
export class FileStorage implements Storage {
  readonly folder: string;
  readonly content: StoredContent;
  readonly layout: Layout;
  /** Whether it was opened to download into. */
  readonly writable: boolean;
  /** Indexes of files that were created when it was opened: nothing of them has been stored before. */
  readonly created: ReadonlySet<number>;
  /** Indexes of files that were found too short when it was opened, and filled up with zeros. */
  readonly extended: ReadonlySet<number>;
  readonly #handles: HandlePool;
  /** Written to since the last `sync`. */
  readonly #dirty = new Set<number>();
  /**
   * The kernel lets only one thread write to a file, and those who wait spin for it: with four at once a tenth of a
   * download's CPU went there.
   */
  readonly #writeTurns = new Turns<number>();
  readonly #idle: (() => void)[] = [];
  #inFlight = 0;
  #closed = false;

  private constructor(
    folder: string,
    content: StoredContent,
    layout: Layout,
    access: {
      readonly created: ReadonlySet<number>;
      readonly extended: ReadonlySet<number>;
      readonly writable: boolean;
      readonly maxOpenFiles: number;
    },
  ) {
    this.folder = folder;
    this.content = content;
    this.layout = layout;
    this.writable = access.writable;
    this.created = access.created;
    this.extended = access.extended;
    this.#handles = new HandlePool((key) => this.#open(key), access.maxOpenFiles);
  }

  /**
   * Opens to download into: makes the folders and the selected files at their full size, without using up the disk
   * for what has not arrived. No symbolic link below the folder is followed. A file that is longer than the torrent
   * says is refused, for it is something else: it is never cut.
   * @throws StorageError
   */
  static async forDownload(
    folder: string,
    content: StoredContent,
    options: FileStorageOptions = {},
  ): Promise<FileStorage> {
    const layout = new Layout(content, options.selected);
    const created = new Set<number>();
    const extended = new Set<number>();
    const access = { created, extended, writable: true, maxOpenFiles: options.maxOpenFiles ?? 128 };
    const storage = new FileStorage(folder, content, layout, access);
    await storage.#prepare(created, extended);
    return storage;
  }

  /**
   * Opens to read only. Nothing is looked at before it is read, and symbolic links are followed: every piece is
   * verified, so a link can give away nothing but the torrent's own content.
   */
  static forSeeding(folder: string, content: StoredContent, options: FileStorageOptions = {}): FileStorage {
    const layout = new Layout(content, options.selected);
    const none: ReadonlySet<number> = new Set();
    const maxOpenFiles = options.maxOpenFiles ?? 128;
    const access = { created: none, extended: none, writable: false, maxOpenFiles };
    return new FileStorage(folder, content, layout, access);
  }

  holds(offset: number, length: number): boolean {
    return this.layout.holds(offset, length);
  }

  read(offset: number, buffer: Uint8Array): Promise<void> {
    return this.#each(offset, buffer, 'read');
  }

  write(offset: number, buffer: Uint8Array): Promise<void> {
    return this.#each(offset, buffer, 'write');
  }

  writeDirectly<T>(
    offset: number,
    length: number,
    work: (target: WriteTarget) => Promise<T>,
  ): Promise<T> | undefined {
    const stored = this.layout.segments(offset, length).filter(({ place }) => place.kind !== 'zeros');
    const segment = stored[0];
    if (stored.length !== 1 || segment?.place.kind !== 'file') return undefined;
    const key = segment.place.file;
    const { position, start, length: bytes } = segment;
    return this.#track(async () => {
      this.#dirty.add(key);
      try {
        return await this.#handles.use(key, ({ fd }) => work({ fd, position, start, length: bytes }));
      } catch (error) {
        throw error instanceof HashError ? error : storageError(error, this.#path(key), 'write');
      }
    });
  }

  async sync(): Promise<void> {
    await this.#track(async () => {
      const dirty = [...this.#dirty];
      this.#dirty.clear();
      for (const [done, key] of dirty.entries()) {
        try {
          await this.#handles.use(key, (handle) => handle.datasync());
        } catch (error) {
          for (const rest of dirty.slice(done)) this.#dirty.add(rest);
          throw storageError(error, this.#path(key), 'write');
        }
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    while (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#handles.close();
  }

  /** The side file of pieces that reach into files that were not selected is number `content.files.length`. */
  get partsKey(): number {
    return this.content.files.length;
  }

  /** Where a file of the torrent is. @param file index into `content.files` */
  path(file: number): string {
    return this.#path(file);
  }

  /** @returns undefined where the file is missing. @throws StorageError */
  async stamp(key: number): Promise<FileStamp | undefined> {
    const path = this.#path(key);
    try {
      const found = await stat(path, { bigint: true });
      return { size: Number(found.size), modified: found.mtimeNs };
    } catch (error) {
      const failure = storageError(error, path, 'read');
      if (failure.code === 'missing') return undefined;
      throw failure;
    }
  }

  async #each(offset: number, buffer: Uint8Array, operation: 'read' | 'write'): Promise<void> {
    const segments = this.layout.segments(offset, buffer.length);
    await this.#track(async () => {
      for (const segment of segments) {
        const { place, start, length } = segment;
        if (place.kind === 'unselected') throw this.#unselected(offset + start);
        if (place.kind === 'zeros') {
          if (operation === 'read') buffer.fill(0, start, start + length);
          continue;
        }
        const key = place.kind === 'file' ? place.file : this.partsKey;
        try {
          if (operation === 'write') this.#dirty.add(key);
          if (operation === 'read') {
            await this.#handles.use(key, (handle) => readWhole(handle, buffer, segment, this.#path(key)));
          } else {
            const write = () => this.#handles.use(key, (handle) => writeWhole(handle, buffer, segment));
            await this.#writeTurns.take(key, write);
          }
        } catch (error) {
          throw storageError(error, this.#path(key), operation);
        }
      }
    });
  }

  async #track<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new StorageError('closed', this.folder, 'the storage has been closed');
    this.#inFlight++;
    try {
      return await work();
    } finally {
      if (--this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #components(key: number): readonly string[] {
    return (
      this.content.files[key]?.path ?? [
        SIDE_FOLDER,
        `${toHex(this.content.infoHash ?? new Uint8Array())}.parts`,
      ]
    );
  }

  #path(key: number): string {
    return join(this.folder, ...this.#components(key));
  }

  #open(key: number): Promise<FileHandle> {
    if (!this.writable) return open(this.#path(key), constants.O_RDONLY);
    return new SafeFolder(this.folder).open(this.#components(key));
  }

  async #prepare(created: Set<number>, extended: Set<number>): Promise<void> {
    for (const [index, file] of this.content.files.entries()) {
      if (this.layout.kept[index] && file.path[0]?.toLowerCase() === SIDE_FOLDER) {
        const message = `the torrent has a file in ${SIDE_FOLDER}, which is kept for our own`;
        throw new StorageError('unsafe-path', this.#path(index), message);
      }
    }
    try {
      await mkdir(this.folder, { recursive: true });
    } catch (error) {
      throw storageError(error, this.folder, 'write');
    }
    const safe = new SafeFolder(this.folder);
    const make = async (key: number, length: number, executable: boolean) => {
      const outcome = await this.#make(safe, key, length, executable);
      if (outcome === 'created') created.add(key);
      if (outcome === 'extended') extended.add(key);
    };
    await inLanes(this.content.files.entries(), 4, async ([index, file]) => {
      if (this.layout.kept[index]) await make(index, file.length, file.executable);
    });
    if (this.layout.partsLength > 0) await make(this.partsKey, this.layout.partsLength, false);
    else await safe.remove(this.#components(this.partsKey));
  }

  /** @returns what was done so that the file has its size */
  async #make(
    safe: SafeFolder,
    key: number,
    length: number,
    executable: boolean,
  ): Promise<'created' | 'extended' | 'kept'> {
    const path = this.#path(key);
    try {
      const { handle, created } = await safe.openOrCreate(this.#components(key), executable ? 0o777 : 0o666);
      try {
        const { size, mode } = await handle.stat();
        if (size > length && key !== this.partsKey) throw tooLong(path, size, length);
        if (size < length) await handle.truncate(length);
        if (executable && (mode & 0o100) === 0) await handle.chmod(mode | ((mode & 0o444) >>> 2));
        if (created) return 'created';
        return size < length ? 'extended' : 'kept';
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw storageError(error, path, 'write');
    }
  }

  #unselected(offset: number): StorageError {
    return new StorageError('not-selected', this.folder, `byte ${offset} is in a file that was not selected`);
  }
}

async function readWhole(
  handle: FileHandle,
  buffer: Uint8Array,
  segment: Segment,
  path: string,
): Promise<void> {
  for (let done = 0; done < segment.length; ) {
    const at = segment.start + done;
    const rest = segment.length - done;
    const { bytesRead } = await handle.read(buffer, at, rest, segment.position + done);
    if (bytesRead === 0) {
      const message = `${printable(path, 500)} ends at byte ${segment.position + done}, earlier than it should`;
      throw new StorageError('truncated', path, message);
    }
    done += bytesRead;
  }
}

async function writeWhole(handle: FileHandle, buffer: Uint8Array, segment: Segment): Promise<void> {
  for (let done = 0; done < segment.length; ) {
    const at = segment.start + done;
    const rest = segment.length - done;
    done += (await handle.write(buffer, at, rest, segment.position + done)).bytesWritten;
  }
}

function tooLong(path: string, size: number, length: number): StorageError {
  const message = `${printable(path, 500)} has ${size} bytes, the torrent's has ${length}; move it away to download here`;
  return new StorageError('too-long', path, message);
}
