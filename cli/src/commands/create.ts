import { readFile, writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { printable, toHex } from '@pixtorrent/core';
import { openContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { interrupted } from '../interrupt.ts';
import { type ArgumentsOf, type CommandLine, many, one, text } from '../options.ts';
import { parseSize } from '../sizes.ts';
import { version } from '../version.ts';

export function addCreate(yargs: CommandLine): CommandLine {
  return yargs.command('create <path>', 'Make a .torrent from a file or folder', options, create);
}

const options = (yargs: CommandLine) =>
  yargs
    .positional('path', { describe: 'file or folder', type: 'string', demandOption: true })
    .option('out', {
      describe: 'where to write it [default: NAME.torrent here]',
      type: 'string',
      coerce: one('out', text),
    })
    .option('tracker', {
      describe: 'announce URL; the next one is asked where the one before does not answer',
      array: true,
      string: true,
      default: [],
      defaultDescription: 'none',
      coerce: many('tracker', text),
    })
    .option('piece-length', {
      describe: 'a power of two from 16KiB, or auto: about 1,000 pieces',
      type: 'string',
      default: 'auto',
      coerce: one('piece-length', pieceLength),
    })
    .option('private', { describe: 'peers come from its trackers alone', type: 'boolean', default: false })
    .option('name', {
      describe: 'name for the content [default: its own]',
      type: 'string',
      coerce: one('name', text),
    })
    .option('comment', { describe: 'words for people', type: 'string', coerce: one('comment', text) })
    .option('webseed', {
      describe: 'URL of the content on a web server',
      array: true,
      string: true,
      default: [],
      defaultDescription: 'none',
      coerce: many('webseed', text),
    })
    .option('force', {
      describe: 'overwrite a file that is there',
      type: 'boolean',
      default: false,
    })
    .example('$0 create ./dataset', 'writes dataset.torrent, and prints a magnet link')
    .example(
      '$0 create model.bin --tracker http://tracker.example:6969/announce',
      'to be found by a tracker',
    );

async function create(args: ArgumentsOf<typeof options>): Promise<void> {
  const { output } = await openContext(args);
  const [{ createTorrent, FILE_SYSTEM }, { formatMagnet, parseMetainfo }, words] = await Promise.all([
    import('@pixtorrent/client'),
    import('@pixtorrent/metainfo'),
    import('../output/words.ts'),
  ]);
  const { name, comment } = args;
  const view = output.progress('hashing');
  let torrent: Uint8Array;
  try {
    torrent = await createTorrent(args.path, {
      trackers: args.tracker.map((url) => [url]),
      webSeeds: args.webseed,
      private: args.private,
      createdBy: `PixTorrent ${version()}`,
      ...(args.pieceLength !== 'auto' && { pieceLength: args.pieceLength }),
      ...(name !== undefined && { name }),
      ...(comment !== undefined && { comment }),
      signal: interrupted,
      onProgress: (done, total) => view.update(done, total, words.bytes(total)),
    });
  } finally {
    view.end();
  }
  const metainfo = parseMetainfo(torrent, { fileSystem: FILE_SYSTEM });
  const out = args.out ?? `${basename(resolve(args.path))}.torrent`;
  await write(out, torrent, args.force);

  const infoHash = toHex(metainfo.infoHash);
  const { infoHash: hash, trackers, webSeeds } = metainfo;
  const magnet = formatMagnet({ infoHash: hash, name: metainfo.name, trackers: trackers.flat(), webSeeds });
  const { length, pieceCount } = metainfo;
  output.event({
    event: 'created',
    infoHash,
    magnet,
    out,
    name: metainfo.name,
    files: metainfo.files.length,
    length,
    pieceLength: metainfo.pieceLength,
    pieces: pieceCount,
  });
  output.print(`${words.strong('torrent')}    ${printable(out, 4096)}`);
  output.print(`${words.strong('info hash')}  ${infoHash}`);
  output.print(
    `${words.strong('content')}    ${words.bytes(length)}, ${words.counted(metainfo.files.length, 'file')}, ` +
      `${words.counted(pieceCount, 'piece')} of ${words.binaryBytes(metainfo.pieceLength)}`,
  );
  output.print(`${words.strong('magnet')}     ${magnet}`);
}

/** @throws CliError `exists`; the system's error */
async function write(path: string, torrent: Uint8Array, force: boolean): Promise<void> {
  try {
    await writeFile(path, torrent, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (Buffer.compare(await readFile(path), torrent) === 0) return;
    const file = printable(path, 4096);
    throw new CliError('exists', `${file} is there already and differs: name another --out, or add --force`);
  }
}

function pieceLength(value: string, option: string): number | 'auto' {
  if (value === 'auto') return 'auto';
  const length = parseSize(value);
  if (
    length !== undefined &&
    length >= 16_384 &&
    length <= 64 * 1024 ** 2 &&
    Number.isInteger(Math.log2(length))
  ) {
    return length;
  }
  throw new CliError(
    'usage',
    `--${option} ${value}: give auto, or a power of two from 16KiB to 64MiB, such as 1MiB`,
  );
}
