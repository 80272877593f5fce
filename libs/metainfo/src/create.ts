import { type Encodable, encode } from '@pixtorrent/bencode';
import { encodeTorrent, type TorrentFields } from './encode-torrent.ts';
import { MetainfoError } from './errors.ts';
import { refusal, unsafety } from './file-name.ts';
import type { FileSystem } from './options.ts';
import { parseMetainfo } from './parse.ts';
import { trackerUrl, webSeedUrl } from './urls.ts';

/** A file of a folder that is to become a torrent. */
export interface ContentFile {
  /** Components below the torrent's folder, without its name. Of a padding file it means nothing. */
  readonly path: readonly string[];
  /** Bytes. */
  readonly length: number;
  readonly executable?: boolean;
  readonly hidden?: boolean;
  readonly padding?: boolean;
}

/** Content whose pieces were hashed already, and what else goes into its torrent file. */
export interface TorrentSource extends Omit<TorrentFields, 'infoBytes' | 'extra'> {
  /** Name of the file or folder. */
  readonly name: string;
  /** The files of a folder in the order of their bytes, or the bytes of the single file. */
  readonly content: readonly ContentFile[] | number;
  /** Bytes: see `choosePieceLength`. */
  readonly pieceLength: number;
  /** SHA-1 digests of 20 bytes. */
  readonly pieceHashes: Uint8Array;
  /** BEP 27. */
  readonly private?: boolean;
  /**
   * Names that would not be kept on such file systems are refused.
   * @default 'any'
   */
  readonly fileSystem?: FileSystem;
}

/**
 * The bytes of a version 1 torrent file (BEP 3, 12, 19, 27, 47). A name that `parseMetainfo` would change and a URL
 * that it would leave out are refused here, beside all that it refuses: the content is found again under the names
 * it was made from.
 * @throws MetainfoError; RangeError for a length that is not a safe integer
 */
export function createMetainfo(source: TorrentSource): Uint8Array {
  const fileSystem = source.fileSystem ?? 'any';
  checkName(source.name, 'info.name', fileSystem);
  checkUrls(source);
  const content: Record<string, Encodable> =
    typeof source.content === 'number'
      ? { length: source.content }
      : { files: source.content.map((file, index) => fileEntry(file, index, fileSystem)) };
  const infoBytes = encode({
    ...content,
    name: source.name,
    'piece length': source.pieceLength,
    pieces: source.pieceHashes,
    private: source.private ? 1 : undefined,
  });
  const torrent = encodeTorrent({ ...source, infoBytes });
  parseMetainfo(torrent, { fileSystem });
  return torrent;
}

function fileEntry(file: ContentFile, index: number, fileSystem: FileSystem): Encodable {
  const path = file.padding ? ['.pad', String(file.length)] : file.path;
  path.forEach((name, depth) => {
    checkName(name, `info.files[${index}].path[${depth}]`, fileSystem);
  });
  const attributes = `${file.executable ? 'x' : ''}${file.hidden ? 'h' : ''}${file.padding ? 'p' : ''}`;
  return { attr: attributes === '' ? undefined : attributes, length: file.length, path };
}

function checkName(name: string, place: string, fileSystem: FileSystem): void {
  const fault = refusal(name, fileSystem) ?? unsafety(name, fileSystem);
  if (fault) throw new MetainfoError(fault.code, place, fault.reason);
}

function checkUrls(source: TorrentSource): void {
  source.trackers?.forEach((tier, i) => {
    tier.forEach((url, j) => {
      if (trackerUrl(url) === undefined) {
        throw new MetainfoError(
          'bad-url',
          `announce-list[${i}][${j}]`,
          'is not an http, https, udp or grpc URL',
        );
      }
    });
  });
  source.webSeeds?.forEach((url, i) => {
    if (webSeedUrl(url) === undefined) {
      throw new MetainfoError('bad-url', `url-list[${i}]`, 'is not an http or https URL');
    }
  });
}
