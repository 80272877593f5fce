import type { FileSystem } from '@pixtorrent/metainfo';

/** What names can be kept here: Linux keeps any, elsewhere they are made safe for all systems. */
export const FILE_SYSTEM: FileSystem = process.platform === 'linux' ? 'posix' : 'any';
