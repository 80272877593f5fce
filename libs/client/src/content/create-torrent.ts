import { choosePieceLength, createMetainfo, type FileEntry } from '@pixtorrent/metainfo';
import {
  type ContentListing,
  FileStorage,
  Hasher,
  type HashProgress,
  hashContent,
  listContent,
  StorageError,
} from '@pixtorrent/node-io';
import { ClientError } from '../errors.ts';
import { FILE_SYSTEM } from './file-system.ts';

export interface CreateOptions extends HashProgress {
  /** Announce URLs, by tier. */
  readonly trackers?: readonly (readonly string[])[];
  readonly webSeeds?: readonly string[];
  /** @default by the size: 500 to 2,000 pieces */
  readonly pieceLength?: number;
  /** @default the name of the file or folder */
  readonly name?: string;
  readonly comment?: string;
  readonly createdBy?: string;
  /** Seconds since 1970. */
  readonly creationDate?: number;
  readonly private?: boolean;
}

/**
 * Makes a torrent file from a file or folder, hashing on all cores.
 * @returns its bytes
 * @throws ClientError `bad-content`, MetainfoError for what a torrent cannot hold, StorageError; the signal's reason
 *   when it is aborted
 */
export async function createTorrent(path: string, options: CreateOptions = {}): Promise<Uint8Array> {
  const {
    name: ownName,
    parent,
    content,
  } = await listContent(path).catch((error) => {
    if (error instanceof StorageError && error.code === 'unsuitable') {
      throw new ClientError('bad-content', error.message, { cause: error });
    }
    throw error;
  });
  const files = entries(ownName, content);
  const length = files.reduce((sum, file) => sum + file.length, 0);
  if (length === 0) throw new ClientError('bad-content', `${path} holds no bytes: a torrent cannot be empty`);
  const pieceLength = options.pieceLength ?? choosePieceLength(length);
  const storage = FileStorage.forSeeding(parent, { files, length, pieceLength });
  const hasher = new Hasher();
  try {
    const pieceHashes = await hashContent({ storage, pieceLength, length, hasher }, options);
    const { signal: _signal, onProgress: _onProgress, name = ownName, ...fields } = options;
    return createMetainfo({ ...fields, name, content, pieceLength, pieceHashes, fileSystem: FILE_SYSTEM });
  } finally {
    await hasher.close();
    await storage.close();
  }
}

function entries(name: string, content: ContentListing['content']): FileEntry[] {
  const flags = { padding: false, executable: false, hidden: false };
  if (typeof content === 'number') return [{ ...flags, path: [name], length: content, offset: 0 }];
  let offset = 0;
  return content.map((file) => {
    const entry = { ...flags, path: [name, ...file.path], length: file.length, offset };
    offset += file.length;
    return entry;
  });
}
