import { PixError, printable } from '@pixtorrent/core';

export type StorageErrorCode =
  | 'disk-full'
  | 'permission'
  | 'missing'
  | 'truncated'
  | 'too-long'
  | 'unsafe-path'
  | 'not-selected'
  /** It can be read, and is not what it was. */
  | 'corrupt'
  /** Nothing that a torrent can be made of. */
  | 'unsuitable'
  | 'read-failed'
  | 'write-failed'
  | 'closed';

/** Something about the files below the download folder, with the path it is about. */
export class StorageError extends PixError<StorageErrorCode> {
  /** The file or folder, as it would be opened. */
  readonly path: string;

  constructor(code: StorageErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.path = path;
  }
}

const CODES: Readonly<Record<string, StorageErrorCode>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EACCES: 'permission',
  EPERM: 'permission',
  EROFS: 'permission',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  ELOOP: 'unsafe-path',
};

const REASONS: Readonly<Partial<Record<StorageErrorCode, string>>> = {
  'disk-full': 'no space left on the device',
  permission: 'permission denied',
  missing: 'it does not exist',
  'unsafe-path': 'it is a symbolic link',
};

/** What the system said about a path, as an error of ours; one of ours is passed on as it is. */
export function storageError(cause: unknown, path: string, operation: 'read' | 'write'): StorageError {
  if (cause instanceof StorageError) return cause;
  const system = cause as NodeJS.ErrnoException;
  const code = CODES[system.code ?? ''] ?? (operation === 'read' ? 'read-failed' : 'write-failed');
  const reason = REASONS[code] ?? system.code ?? String(system.message);
  return new StorageError(code, path, `cannot ${operation} ${printable(path, 500)}: ${reason}`, { cause });
}
