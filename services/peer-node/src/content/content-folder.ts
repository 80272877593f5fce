import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { type InfoHash, infoHashFromHex, type Logger, printable } from '@pixtorrent/core';
import type { Metainfo } from '@pixtorrent/metainfo';
import { replaceFile, syncFolder } from '@pixtorrent/node-io';
import { ContentPaths } from './content-paths.ts';
import { decodeEntryRecord, type EntryRecord, encodeEntryRecord, LONGEST_RECORD } from './entry-record.ts';

/** Beginning of the name of content that is being deleted. */
const GONE = '.gone-';
/** Bytes of a torrent file. */
const LONGEST_TORRENT = 64 * 2 ** 20;

/** A torrent that was kept on the disk. */
export interface StoredTorrent {
  readonly infoHash: InfoHash;
  readonly torrent: Uint8Array;
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
  /** Somebody asked for it beside the catalogue. */
  readonly pinned: boolean;
  /** Only what somebody reads of it is got. */
  readonly partial: boolean;
}

/**
 * A node's folder: torrents, their content, what the catalogue said of them, and links by name for who mounts it.
 * Whatever moment the process or the machine ends at, what is there can be used: files are replaced whole, and content
 * loses its name before it is deleted.
 */
export class ContentFolder {
  readonly paths: ContentPaths;
  readonly #logger: Logger;

  private constructor(paths: ContentPaths, logger: Logger) {
    this.paths = paths;
    this.#logger = logger;
  }

  /** Makes what is missing, and ends what a crash left half done. @throws the system's error where it cannot be written to */
  static async open(root: string, logger: Logger): Promise<ContentFolder> {
    const folder = new ContentFolder(new ContentPaths(root), logger);
    for (const path of folder.paths.folders) await mkdir(path, { recursive: true });
    await folder.check();
    // What was being taken in was published nowhere: whoever brought it brings it again.
    for (const name of await readdir(join(root, 'ingest')))
      await rm(join(root, 'ingest', name), { recursive: true, force: true });
    await folder.#endDeletions();
    return folder;
  }

  /** Whether the disk takes what is written. @throws the system's error */
  async check(): Promise<void> {
    const path = join(this.paths.root, '.writable');
    await writeFile(path, '');
    await rm(path);
  }

  /**
   * Gives content that was taken in its place, instead of what is there; nobody may have that open. A start before its
   * torrent is saved deletes it: nobody knows of it.
   * @param place a folder on the same file system, which is moved @throws the system's error
   */
  async settle(place: string, infoHash: InfoHash): Promise<void> {
    const content = this.paths.content(infoHash);
    const unowned = this.paths.unowned(place);
    await mkdir(dirname(unowned), { recursive: true });
    await replaceFile(unowned, '');
    await syncFolder(place);
    await rm(content, { recursive: true, force: true });
    await rename(place, content);
    await syncFolder(dirname(content));
  }

  /** What is there, without what cannot be read. */
  async *torrents(): AsyncGenerator<StoredTorrent> {
    const folder = join(this.paths.root, 'torrents');
    const names = await readdir(folder);
    const known = new Set(names);
    for (const name of names) {
      const hex = /^([0-9a-f]{40})\.torrent$/.exec(name)?.[1];
      if (hex === undefined) continue;
      const file = await readBounded(join(folder, name), LONGEST_TORRENT);
      if (file === undefined) this.#logger.warn('a torrent cannot be read', { file: name });
      else
        yield {
          infoHash: infoHashFromHex(hex),
          torrent: file.bytes,
          lastUsed: file.modified,
          pinned: known.has(`${hex}.pinned`),
          partial: known.has(`${hex}.partial`),
        };
    }
  }

  /** Somebody waits for some of it: what a loss of power undoes of it costs a download, and no content. @throws the system's error */
  async savePartial(infoHash: InfoHash, torrent: Uint8Array): Promise<void> {
    const path = this.paths.torrent(infoHash);
    // First: a crash between the two has it got in parts, until it is wanted.
    await writeFile(partialPath(path), '');
    await replaceFile(path, torrent, false);
  }

  /** All of it is to be got, not only what somebody reads. @throws the system's error */
  async saveWhole(infoHash: InfoHash, torrent: Uint8Array): Promise<void> {
    const path = this.paths.torrent(infoHash);
    await replaceFile(path, torrent);
    await rm(partialPath(path), { force: true });
  }

  /** @throws the system's error */
  async saveTorrent(infoHash: InfoHash, torrent: Uint8Array, pinned: boolean): Promise<void> {
    const path = this.paths.torrent(infoHash);
    if (pinned) await replaceFile(pinPath(path), '');
    await replaceFile(path, torrent);
    await this.#own(infoHash);
  }

  /** It was asked for by somebody, and is not any more. */
  async unpin(infoHash: InfoHash): Promise<void> {
    await rm(pinPath(this.paths.torrent(infoHash)), { force: true });
  }

  /** Takes down when a torrent was last used. */
  async touch(infoHash: InfoHash, at: number): Promise<void> {
    await utimes(this.paths.torrent(infoHash), at / 1000, at / 1000).catch(() => {});
  }

  /** Forgets a torrent, and deletes its content unless `keepContent`. Nobody may have it open. */
  async delete(infoHash: InfoHash, keepContent = false): Promise<void> {
    const torrent = this.paths.torrent(infoHash);
    if (keepContent) await this.#own(infoHash);
    await rm(torrent, { force: true });
    await rm(pinPath(torrent), { force: true });
    await rm(partialPath(torrent), { force: true });
    await syncFolder(dirname(torrent));
    if (keepContent) return;
    const content = this.paths.content(infoHash);
    const gone = join(dirname(content), GONE + basename(content));
    await rm(gone, { recursive: true, force: true });
    await rename(content, gone).catch(unlessMissing);
    await rm(gone, { recursive: true, force: true });
  }

  /** Every entry that was kept, removed ones too. */
  async entries(): Promise<EntryRecord[]> {
    const folder = join(this.paths.root, 'entries');
    const records: EntryRecord[] = [];
    for (const name of await readdir(folder)) {
      if (!name.endsWith('.json')) continue;
      const file = await readBounded(join(folder, name), LONGEST_RECORD);
      const record = file && decodeEntryRecord(file.bytes.toString('utf8'));
      if (record === undefined) this.#logger.warn('an entry cannot be read', { file: name });
      else records.push(record);
    }
    return records;
  }

  async saveEntry(record: EntryRecord): Promise<void> {
    await replaceFile(this.paths.entry(record.name, record.version), encodeEntryRecord(record));
  }

  async forgetEntry(name: string, version: number): Promise<void> {
    await rm(this.paths.entry(name, version), { force: true });
  }

  /** Has a name lead to a torrent's file or folder. `version`: the newest whole one where it is missing. */
  async link(name: string, version: number | undefined, metainfo: Metainfo): Promise<void> {
    const link = this.paths.link(name, version);
    if (link === undefined) return;
    const target = join(this.paths.content(metainfo.infoHash), metainfo.name);
    await rm(`${link}.new`, { force: true });
    await symlink(relative(dirname(link), target), `${link}.new`);
    await rename(`${link}.new`, link);
  }

  /** Removes the links that are none of these. */
  async unlinkAllBut(
    kept: Iterable<{ readonly name: string; readonly version?: number | undefined }>,
  ): Promise<void> {
    const folder = join(this.paths.root, 'by-name');
    const paths = new Set(Array.from(kept, ({ name, version }) => this.paths.link(name, version)));
    for (const file of await readdir(folder))
      if (!paths.has(join(folder, file))) await rm(join(folder, file), { force: true });
  }

  async unlink(name: string, version?: number): Promise<void> {
    const link = this.paths.link(name, version);
    if (link !== undefined) await rm(link, { force: true });
  }

  /** Its content is not to be deleted by a start, whatever becomes of its torrent. */
  async #own(infoHash: InfoHash): Promise<void> {
    const unowned = this.paths.unowned(this.paths.content(infoHash));
    await rm(unowned, { force: true }).catch((error: NodeJS.ErrnoException) => {
      // Something else is in its place: whoever opens it says so.
      if (error.code !== 'ENOTDIR') throw error;
    });
  }

  /** Of content that lost its name, and of what was taken in without its torrent. What somebody asked to keep stays. */
  async #endDeletions(): Promise<void> {
    const folder = join(this.paths.root, 'content');
    const owned = new Set(await readdir(join(this.paths.root, 'torrents')));
    for (const name of await readdir(folder)) {
      const content = join(folder, name);
      const isGone = name.startsWith(GONE);
      if (!isGone && (owned.has(`${name}.torrent`) || !existsSync(this.paths.unowned(content)))) continue;
      this.#logger.info('deletes what a crash left', { content: printable(name) });
      // Were it deleted in place, the mark that it is nobody's could go before the rest.
      const gone = isGone ? content : join(folder, GONE + name);
      if (!isGone) await rename(content, gone);
      await rm(gone, { recursive: true, force: true });
    }
  }
}

function pinPath(torrent: string): string {
  return torrent.replace(/\.torrent$/, '.pinned');
}

function partialPath(torrent: string): string {
  return torrent.replace(/\.torrent$/, '.partial');
}

async function readBounded(
  path: string,
  longest: number,
): Promise<{ readonly bytes: Buffer; readonly modified: number } | undefined> {
  try {
    const found = await lstat(path);
    if (!found.isFile() || found.size > longest) return undefined;
    return { bytes: await readFile(path), modified: found.mtimeMs };
  } catch {
    return undefined;
  }
}

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
