import { type FileHandle, open } from 'node:fs/promises';
import type { TorrentSession } from '@pixtorrent/client';
import type { FileEntry } from '@pixtorrent/metainfo';
import type { ByteRange } from '../ranges/byte-ranges.ts';
import { fileChunks } from './file-chunks.ts';
import type { SendBuffers, SendMemory } from './send-memory.ts';

export interface ContentSourceOptions {
  readonly signal: AbortSignal;
  /** Milliseconds that a single piece may take to come. */
  readonly patience: number;
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly buffers: SendBuffers;
}

/**
 * One file of a torrent, to be read: from the disk where all of it is there, and as its pieces come where it is not.
 * To be closed.
 */
export class ContentSource {
  readonly #session: TorrentSession;
  readonly #entry: FileEntry;
  readonly #memory: SendMemory;
  readonly #options: ContentSourceOptions;
  #file: OpenFile | undefined;

  private constructor(
    session: TorrentSession,
    entry: FileEntry,
    memory: SendMemory,
    options: ContentSourceOptions,
  ) {
    this.#session = session;
    this.#entry = entry;
    this.#memory = memory;
    this.#options = options;
  }

  /** @param index into the torrent's files */
  static async open(
    session: TorrentSession,
    index: number,
    memory: SendMemory,
    options: ContentSourceOptions,
  ): Promise<ContentSource> {
    const entry = session.metainfo.files[index]!;
    const source = new ContentSource(session, entry, memory, options);
    const path = session.fileOnDisk(index);
    if (path !== undefined) await source.#openFile(path);
    return source;
  }

  /** Chunks of a range; each is good until the next is asked for. @throws ClientError, StorageError; the signal's reason */
  async *read(range: ByteRange): AsyncGenerator<Uint8Array, void, void> {
    let { start } = range;
    if (this.#file !== undefined) {
      try {
        for await (const chunk of fileChunks(this.#file.handle, range, this.#file.buffers)) {
          start += chunk.length;
          yield chunk;
        }
        return;
      } catch {
        // The disk has lost some of it: the session notices too, and gets it again.
      }
    }
    yield* this.#session.read(this.#entry.offset + start, range.end - start, this.#options);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    this.#memory.release(file.buffers);
    await file.handle.close();
  }

  async #openFile(path: string): Promise<void> {
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch {
      return;
    }
    this.#file = { handle, buffers: this.#memory.take() };
  }
}
