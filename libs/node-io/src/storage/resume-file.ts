import { lstat, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bitfield, toHex } from '@pixtorrent/core';
import type { Metainfo } from '@pixtorrent/metainfo';
import { StorageError, storageError } from './errors.ts';
import type { FileStamp, FileStorage } from './file-storage.ts';
import { replaceFile } from './replace-file.ts';
import { decodeRecord, encodeRecord, maxRecordLength, type ResumeRecord } from './resume-record.ts';
import { SIDE_FOLDER } from './safe-open.ts';

/** What a record is made of. */
export type Stamped = Pick<FileStorage, 'sync' | 'stamp' | 'layout' | 'partsKey'>;

/**
 * What is known about a torrent's files from one session to the next, in `.pixtorrent/<info hash>.resume` below the
 * download folder.
 */
export class ResumeFile {
  readonly path: string;
  readonly #folder: string;
  readonly #metainfo: Metainfo;

  constructor(folder: string, metainfo: Metainfo) {
    this.#folder = join(folder, SIDE_FOLDER);
    this.path = join(this.#folder, `${toHex(metainfo.infoHash)}.resume`);
    this.#metainfo = metainfo;
  }

  /** @returns undefined where there is none that is whole, readable and of this torrent */
  async load(): Promise<ResumeRecord | undefined> {
    try {
      const found = await stat(this.path);
      if (!found.isFile() || found.size > maxRecordLength(this.#metainfo)) return undefined;
      return decodeRecord(await readFile(this.path), this.#metainfo);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      return undefined;
    }
  }

  /**
   * Records `pieces`, after waiting until they are on the disk. Whenever the machine stops, either the old record is
   * there or the new one.
   * @param final nothing is written after this
   * @returns false where the folder is not ours to write to: then the next session checks everything again
   * @throws StorageError
   */
  async save(storage: Stamped, pieces: Bitfield, final: boolean): Promise<boolean> {
    const snapshot = pieces.clone();
    await storage.sync();
    const stamps: (FileStamp | undefined)[] = [];
    for (const [index, kept] of storage.layout.kept.entries()) {
      stamps.push(kept ? await storage.stamp(index) : undefined);
    }
    stamps.push(storage.layout.partsLength > 0 ? await storage.stamp(storage.partsKey) : undefined);
    const time = BigInt(Date.now()) * 1_000_000n;
    const bytes = encodeRecord({ pieces: snapshot, stamps, time, final }, this.#metainfo.infoHash);
    try {
      await this.#replace(bytes);
      return true;
    } catch (error) {
      const failure = storageError(error, this.path, 'write');
      if (failure.code === 'permission') return false;
      throw failure;
    }
  }

  async #replace(bytes: Uint8Array): Promise<void> {
    await mkdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    if (!(await lstat(this.#folder)).isDirectory()) {
      throw new StorageError('unsafe-path', this.#folder, `${SIDE_FOLDER} is not a folder`);
    }
    await replaceFile(this.path, bytes);
  }
}
