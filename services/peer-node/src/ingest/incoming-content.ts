import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { printable } from '@pixtorrent/core';
import { type ContentFile, choosePieceLength } from '@pixtorrent/metainfo';
import { IngestError } from './errors.ts';
import { PieceHashes } from './piece-hashes.ts';

export interface IncomingOptions {
  /** An empty folder of this content's own. */
  readonly folder: string;
  /** Of the file or folder that comes. */
  readonly name: string;
  /** Whether it is a folder. */
  readonly directory: boolean;
  /** Bytes that will come, where it is known: they are hashed as they come then. */
  readonly size: number | undefined;
  /** Bytes at the most. */
  readonly maxSize: number;
  /** @default by the size */
  readonly pieceLength: number | undefined;
  /** Asked before some is written: throws where there is no room for so many bytes altogether. @default any number */
  readonly room?: (bytes: number) => Promise<void>;
  /** Told whenever some has been written. */
  readonly onProgress?: (done: number) => void;
}

/** What has come. */
export interface ReceivedContent {
  /** Of a folder in the order of their paths, or the bytes of the single file. */
  readonly content: readonly ContentFile[] | number;
  readonly size: number;
  /** Undefined where they are to be hashed from the disk: the size was not known, or files came out of order. */
  readonly hashes: PieceHashes | undefined;
}

/** Bytes that are gathered before they are written. */
const BATCH = 1024 * 1024;
const MAX_FILES = 200_000;
const MAX_DEPTH = 100;
const LONGEST_COMPONENT = 255;

/** Content that streams in: written to the disk and hashed as it comes, with memory for one batch. */
export class IncomingContent {
  readonly #options: IncomingOptions;
  readonly #files: ContentFile[] = [];
  #hashes: PieceHashes | undefined;
  #received = 0;

  constructor(options: IncomingOptions) {
    this.#options = options;
    const { size, pieceLength } = options;
    checkPath([options.name]);
    if (size !== undefined && size > options.maxSize) throw tooLarge(options.maxSize);
    const known = pieceLength ?? (size === undefined ? undefined : choosePieceLength(size, 'reading'));
    if (known !== undefined) this.#hashes = new PieceHashes(known);
  }

  /** Bytes that have come. */
  get received(): number {
    return this.#received;
  }

  /**
   * Takes one file to its end.
   * @param path components below the folder's name; none for the single file
   * @throws IngestError; the error of `bytes`
   */
  async file(path: readonly string[], bytes: AsyncIterable<Uint8Array>, executable = false): Promise<void> {
    this.#check(path);
    const full = join(this.#options.folder, this.#options.name, ...path);
    await mkdir(dirname(full), { recursive: true });
    const before = this.#received;
    const handle = await open(full, 'wx', executable ? 0o777 : 0o666).catch((error) => {
      throw writeError(error, path);
    });
    try {
      await this.#write(handle, bytes, path);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    const previous = this.#files.at(-1);
    if (previous !== undefined && comparePaths(previous.path, path) > 0) this.#hashes = undefined;
    this.#files.push({ path, length: this.#received - before, executable });
  }

  /** @throws IngestError where there is nothing, or less or more than was said */
  finish(): ReceivedContent {
    const { size, directory } = this.#options;
    if (size !== undefined && size !== this.#received)
      throw new IngestError('interrupted', `${this.#received} of ${size} bytes have come`);
    if (this.#received === 0)
      throw new IngestError('invalid', 'there are no bytes: a torrent cannot be empty');
    const content = directory
      ? [...this.#files].sort((a, b) => comparePaths(a.path, b.path))
      : this.#received;
    return { content, size: this.#received, hashes: this.#hashes };
  }

  async #write(handle: FileHandle, bytes: AsyncIterable<Uint8Array>, path: readonly string[]): Promise<void> {
    let batch: Uint8Array[] = [];
    let gathered = 0;
    const flush = async (): Promise<void> => {
      await this.#options.room?.(this.#received);
      await writeAll(handle, batch, gathered).catch((error) => {
        throw writeError(error, path);
      });
      batch = [];
      gathered = 0;
      this.#options.onProgress?.(this.#received);
    };
    for await (const chunk of bytes) {
      this.#received += chunk.length;
      if (this.#received > this.#options.maxSize) throw tooLarge(this.#options.maxSize);
      if (this.#options.size !== undefined && this.#received > this.#options.size)
        throw new IngestError('invalid', `more than the ${this.#options.size} bytes that were said come`);
      this.#hashes?.update(chunk);
      batch.push(chunk);
      gathered += chunk.length;
      if (gathered >= BATCH) await flush();
    }
    if (gathered > 0) await flush();
  }

  #check(path: readonly string[]): void {
    if (this.#files.length >= MAX_FILES)
      throw new IngestError('too-large', `there are more than ${MAX_FILES} files`);
    checkPath(path);
  }
}

/** As folders are listed: name by name, by UTF-16 code units. */
export function comparePaths(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i]! < b[i]!) return -1;
    if (a[i]! > b[i]!) return 1;
  }
  return a.length - b.length;
}

async function writeAll(handle: FileHandle, batch: Uint8Array[], bytes: number): Promise<void> {
  const { bytesWritten } = await handle.writev(batch);
  if (bytesWritten === bytes) return;
  // A disk that is nearly full takes a part, and says why only when it is asked to take the rest.
  await handle.writeFile(Buffer.concat(batch).subarray(bytesWritten));
}

function writeError(error: NodeJS.ErrnoException, path: readonly string[]): Error {
  switch (error.code) {
    case 'EEXIST':
    case 'ENOTDIR':
    case 'EISDIR':
      return invalidPath(path, 'comes twice, or below a file');
    case 'ENOSPC':
    case 'EDQUOT':
      return new IngestError('no-room', 'the disk is full', { cause: error });
    default:
      return error;
  }
}

function invalidPath(path: readonly string[], why: string): IngestError {
  return new IngestError('invalid', `${printable(path.join('/')) || 'a path'} ${why}`);
}

function tooLarge(maxSize: number): IngestError {
  return new IngestError('too-large', `there is more than the ${maxSize} bytes that this node takes in`);
}

/** @throws IngestError for what would lead elsewhere */
function checkPath(path: readonly string[]): void {
  if (path.length > MAX_DEPTH) throw invalidPath(path, 'is too deep');
  for (const [depth, name] of path.entries()) {
    if (name === '' || name === '.' || name === '..')
      throw invalidPath(path, 'has a step that leads elsewhere');
    if (name.includes('/') || name.includes('\0') || name.includes('\\'))
      throw invalidPath(path, 'has a character that no name has');
    if (Buffer.byteLength(name) > LONGEST_COMPONENT) throw invalidPath(path, 'has a name that is too long');
    if (depth === 0 && name.toLowerCase() === '.pixtorrent')
      throw invalidPath(path, 'is a folder that is kept for our own');
  }
}
