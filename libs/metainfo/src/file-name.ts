import { isUtf8 } from 'node:buffer';
import type { PathFault } from './errors.ts';
import type { FileSystem } from './options.ts';

/** Bytes of one component: the most that the usual file systems hold. */
const MAX_NAME_BYTES = 255;

interface NameFault {
  readonly code: PathFault;
  readonly reason: string;
}

interface Repair extends NameFault {
  /** Applies on every file system; the others where a name has to be safe on Windows too. */
  readonly everywhere: boolean;
  readonly pattern: RegExp;
}

/** Faults that honest torrents have too. Every match becomes `_`, in this order. */
const repairs: readonly Repair[] = [
  {
    code: 'path-control',
    reason: 'has a control character',
    everywhere: true,
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
    pattern: /[\u0000-\u001f\u007f-\u009f]/g,
  },
  {
    code: 'path-character',
    reason: 'has a character that Windows does not allow',
    everywhere: false,
    pattern: /[<>:"|?*]/g,
  },
  {
    code: 'path-trailing',
    reason: 'ends in a dot or a space, which Windows cuts off',
    everywhere: false,
    pattern: /[. ](?=[. ]*$)/g,
  },
  {
    code: 'path-reserved',
    reason: 'is the name of a device on Windows',
    everywhere: false,
    // Matches the empty string before the name, so that `con.txt` becomes `_con.txt`.
    pattern: /^(?=(?:con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³]) *(?:\.|$))/i,
  },
];

/**
 * Why a path component cannot be used at all: empty, `.` or `..`, absolute (a leading separator or a drive letter),
 * with a separator in it, or above 255 bytes.
 */
export function refusal(name: string, fileSystem: FileSystem): NameFault | undefined {
  const windows = fileSystem === 'any';
  if (name === '') return { code: 'path-empty', reason: 'is empty' };
  if (name === '.' || name === '..') return { code: 'path-traversal', reason: `is "${name}"` };
  if (name.startsWith('/') || (windows && /^(?:\\|[a-z]:(?:\\|\/|$))/i.test(name))) {
    return { code: 'path-absolute', reason: 'is an absolute path' };
  }
  if (name.includes('/') || (windows && name.includes('\\'))) {
    return { code: 'path-separator', reason: 'has a path separator' };
  }
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    return { code: 'path-too-long', reason: `is longer than ${MAX_NAME_BYTES} bytes` };
  }
  return undefined;
}

/** Why a component that is not refused would not keep its name: see `madeSafe`. */
export function unsafety(name: string, fileSystem: FileSystem): NameFault | undefined {
  if (!name.isWellFormed()) return { code: 'path-not-utf8', reason: 'is not well-formed Unicode' };
  return repairs.find((r) => (r.everywhere || fileSystem === 'any') && name.search(r.pattern) >= 0);
}

/**
 * The name with every unsafe character replaced by `_`, and `_` before the name of a device. Always the same for the
 * same name; different names can become the same one, which the collision check finds.
 */
export function madeSafe(name: string, fileSystem: FileSystem): string {
  let safe = name;
  for (const repair of repairs) {
    if (repair.everywhere || fileSystem === 'any') safe = safe.replace(repair.pattern, '_');
  }
  return safe;
}

/** Text of a name's bytes. Where they are not UTF-8, each byte above 0x7f shows as `%` and its hexadecimal form. */
export function nameText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(bytes)) return buffer.toString('utf8');
  return buffer
    .toString('latin1')
    .replace(/[\u0080-\u00ff]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
