import { isUtf8 } from 'node:buffer';
import { type BencodeValue, Dictionary } from '@pixtorrent/bencode';
import { PathRegister } from './collisions.ts';
import { MetainfoError } from './errors.ts';
import { requiredBytes, requiredLength, requiredList } from './fields.ts';
import { madeSafe, nameText, refusal } from './file-name.ts';
import type { FileEntry } from './metainfo.ts';
import type { FileSystem, Limits } from './options.ts';

/** Bytes of a whole path with its separators: leaves room for the download folder within the usual 4,096. */
const MAX_PATH_BYTES = 3072;
const MAX_DEPTH = 100;

export interface FileList {
  readonly name: string;
  readonly directory: boolean;
  readonly files: readonly FileEntry[];
  /** Bytes. */
  readonly length: number;
}

/** The files of an info dictionary: `length` (one file) or `files` (a folder), BEP 3 and 47. */
export function readFiles(info: Dictionary, limits: Limits): FileList {
  const directory = info.has('files');
  if (directory && info.has('length')) {
    throw new MetainfoError('conflict', 'info', 'has both length and files');
  }
  const name = component(
    utf8Alternative(info, 'name') ?? requiredBytes(info, 'name', 'info.name'),
    'info.name',
    limits.fileSystem,
  );
  const files = directory ? readList(info, name, limits) : [readSingle(info, name)];
  const last = files.at(-1)!;
  const length = last.offset + last.length;
  if (length === 0) throw new MetainfoError('empty-content', 'info', 'not one byte to transfer');
  return { name, directory, files, length };
}

function readSingle(info: Dictionary, name: string): FileEntry {
  const length = requiredLength(info, 'length', 'info.length');
  return { path: [name], length, offset: 0, padding: false, ...flags(info, 'info') };
}

function readList(info: Dictionary, name: string, limits: Limits): FileEntry[] {
  const list = requiredList(info, 'files', 'info.files');
  if (list.length === 0) throw new MetainfoError('empty-content', 'info.files', 'has no file');
  if (list.length > limits.maxFiles) {
    throw new MetainfoError(
      'too-many-files',
      'info.files',
      `${list.length} files, at most ${limits.maxFiles} are allowed`,
    );
  }
  const register = new PathRegister(limits.fileSystem);
  let offset = 0;
  return list.map((item, index) => {
    const place = `info.files[${index}]`;
    const file = readListed(item, name, offset, place, limits.fileSystem);
    if (!file.padding) register.add(file.path, `${place}.path`);
    offset += file.length;
    if (!Number.isSafeInteger(offset)) {
      throw new MetainfoError(
        'out-of-range',
        `${place}.length`,
        'the lengths add up to more than 2^53 bytes',
      );
    }
    return file;
  });
}

function readListed(
  item: BencodeValue,
  name: string,
  offset: number,
  place: string,
  fileSystem: FileSystem,
): FileEntry {
  if (!(item instanceof Dictionary)) throw new MetainfoError('wrong-type', place, 'has to be a dictionary');
  const length = requiredLength(item, 'length', `${place}.length`);
  const attributes = flags(item, place);
  // BEP 47: the path of a padding file means nothing, and several of them often share one.
  if (item.text('attr')?.includes('p')) {
    return { path: [name, '.pad', String(length)], length, offset, padding: true, ...attributes };
  }
  return {
    path: readPath(item, name, `${place}.path`, fileSystem),
    length,
    offset,
    padding: false,
    ...attributes,
  };
}

function readPath(file: Dictionary, name: string, place: string, fileSystem: FileSystem): string[] {
  const parts = utf8Path(file) ?? requiredList(file, 'path', place);
  if (parts.length === 0) throw new MetainfoError('path-empty', place, 'is empty');
  const path = [name];
  let bytes = Buffer.byteLength(name);
  parts.forEach((part, index) => {
    const partPlace = `${place}[${index}]`;
    if (!(part instanceof Uint8Array)) {
      throw new MetainfoError('wrong-type', partPlace, 'has to be a byte string');
    }
    const text = component(part, partPlace, fileSystem);
    bytes += 1 + Buffer.byteLength(text);
    if (bytes > MAX_PATH_BYTES || index >= MAX_DEPTH) {
      throw new MetainfoError(
        'path-too-long',
        place,
        `is longer than ${MAX_PATH_BYTES} bytes or deeper than ${MAX_DEPTH} folders`,
      );
    }
    path.push(text);
  });
  return path;
}

function component(bytes: Uint8Array, place: string, fileSystem: FileSystem): string {
  const text = nameText(bytes);
  let fault = refusal(text, fileSystem);
  const safe = fault ? text : madeSafe(text, fileSystem);
  fault ??= refusal(safe, fileSystem);
  if (fault) throw new MetainfoError(fault.code, place, fault.reason);
  return safe;
}

/** Programs that write `name` in a local encoding add the UTF-8 form under this key. */
function utf8Alternative(from: Dictionary, key: string): Uint8Array | undefined {
  const bytes = from.bytes(`${key}.utf-8`);
  return bytes && isUtf8(bytes) ? bytes : undefined;
}

function utf8Path(file: Dictionary): readonly BencodeValue[] | undefined {
  const parts = file.list('path.utf-8');
  return parts?.every((part) => part instanceof Uint8Array && isUtf8(part)) ? parts : undefined;
}

/** BEP 47. A symbolic link is refused: where it points is a matter of the receiving machine. */
function flags(file: Dictionary, place: string): Pick<FileEntry, 'executable' | 'hidden'> {
  const attributes = file.text('attr') ?? '';
  if (attributes.includes('l')) {
    throw new MetainfoError('symlink', `${place}.attr`, 'symbolic links are not supported');
  }
  return { executable: attributes.includes('x'), hidden: attributes.includes('h') };
}
