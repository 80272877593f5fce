import { type FileHandle, open } from 'node:fs/promises';
import { ClientError, type TorrentSession } from '@pixtorrent/client';
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
  readonly #reach: () => Promise<TorrentSession>;
  readonly #entry: FileEntry;
  readonly #memory: SendMemory;
  readonly #options: ContentSourceOptions;
  #file: OpenFile | undefined;

  private constructor(
    reach: () => Promise<TorrentSession>,
    entry: FileEntry,
    memory: SendMemory,
    options: ContentSourceOptions,
  ) {
    this.#reach = reach;
    this.#entry = entry;
    this.#memory = memory;
    this.#options = options;
  }

  /**
   * @param reach gives the torrent's session, the next one where one was closed
   * @param index into the torrent's files
   * @throws whatever `reach` throws
   */
  static async open(
    reach: () => Promise<TorrentSession>,
    index: number,
    memory: SendMemory,
    options: ContentSourceOptions,
  ): Promise<ContentSource> {
    const session = await reach();
    const entry = session.metainfo.files[index]!;
    const source = new ContentSource(reach, entry, memory, options);
    const path = session.fileOnDisk(index);
    if (path !== undefined) await source.#openFile(path);
    return source;
  }

  /**
   * Chunks of a range; each is good until the next is asked for.
   * @throws ClientError, StorageError; whatever `reach` throws; the signal's reason
   */
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
    let before: TorrentSession | undefined;
    while (start < range.end) {
      const session = await this.#reach();
      try {
        const { offset } = this.#entry;
        for await (const chunk of session.read(offset + start, range.end - start, this.#options)) {
          start += chunk.length;
          yield chunk;
        }
      } catch (error) {
        // All of it is wanted now: another session goes on.
        const closed = error instanceof ClientError && error.code === 'closed';
        if (!closed || session === before) throw error;
        before = session;
      }
    }
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
