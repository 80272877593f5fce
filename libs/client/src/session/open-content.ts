import { type Bitfield, type Logger, SeededRandom } from '@pixtorrent/core';
import type { Metainfo } from '@pixtorrent/metainfo';
import {
  Checkpointer,
  checkContent,
  FileStorage,
  type HashProgress,
  ResumeFile,
  type ResumeRecord,
  systemClock,
} from '@pixtorrent/node-io';
import type { ClientResources } from '../resources.ts';

/** A torrent's files, and which pieces of them are right. */
export interface OpenContent {
  readonly storage: FileStorage;
  readonly have: Bitfield;
  /** Undefined where the files are only read. */
  readonly checkpointer: Checkpointer | undefined;
  /** Records what is here in the end, where nothing else does. */
  readonly record: (have: Bitfield) => Promise<void>;
}

/**
 * Opens the files to download into, after a check of what is there: the record of the last session vouches for what
 * has not changed since, the rest is hashed.
 * @param selected indexes of the files to keep; all where it is undefined
 * @throws StorageError; the signal's reason when it is aborted
 */
export async function openForDownload(
  resources: ClientResources,
  logger: Logger,
  content: {
    readonly metainfo: Metainfo;
    readonly dir: string;
    readonly selected: ReadonlySet<number> | undefined;
  },
  progress: HashProgress,
): Promise<OpenContent> {
  const { metainfo, dir, selected } = content;
  const storage = await FileStorage.forDownload(dir, metainfo, selected ? { selected } : {});
  try {
    const resume = new ResumeFile(dir, metainfo);
    const record = await resume.load();
    const have = await check(resources, storage, metainfo, record, progress);
    const checkpointer = new Checkpointer(
      {
        storage,
        resume,
        clock: systemClock,
        timers: resources.timers,
        onError: (error) => logger.warn('progress was not recorded', { why: error.message }),
      },
      have,
    );
    // Where there is nothing yet, and no record to take the place of, the first piece makes the first.
    if (record !== undefined || have.count > 0) await checkpointer.start();
    return { storage, have, checkpointer, record: async () => {} };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/**
 * Opens the files to seed from, reading only; records what was found right, so that the next start is instant.
 * @throws StorageError; the signal's reason when it is aborted
 */
export async function openForSeeding(
  resources: ClientResources,
  logger: Logger,
  content: { readonly metainfo: Metainfo; readonly dir: string },
  progress: HashProgress,
): Promise<OpenContent> {
  const { metainfo, dir } = content;
  const storage = FileStorage.forSeeding(dir, metainfo);
  try {
    const resume = new ResumeFile(dir, metainfo);
    const have = await check(resources, storage, metainfo, await resume.load(), progress);
    const record = async (pieces: Bitfield): Promise<void> => {
      await resume.save(storage, pieces, true).catch((error: Error) => {
        logger.warn('what was verified was not recorded', { why: error.message });
      });
    };
    await record(have);
    return { storage, have, checkpointer: undefined, record };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

async function check(
  resources: ClientResources,
  storage: FileStorage,
  metainfo: Metainfo,
  record: ResumeRecord | undefined,
  progress: HashProgress,
): Promise<Bitfield> {
  const { hasher, slab } = resources;
  const random = new SeededRandom(resources.seed());
  return checkContent({ storage, metainfo, hasher, slab, random }, record, progress);
}
