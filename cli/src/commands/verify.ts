import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileEntry } from '@pixtorrent/metainfo';
import { openContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { interrupted } from '../interrupt.ts';
import { type ArgumentsOf, type CommandLine, one, text } from '../options.ts';

export function addVerify(yargs: CommandLine): CommandLine {
  return yargs.command(
    'verify <torrent>',
    'Check content against the hashes of its torrent',
    options,
    verify,
  );
}

const options = (yargs: CommandLine) =>
  yargs
    .positional('torrent', { describe: 'the .torrent file', type: 'string', demandOption: true })
    .option('dir', {
      describe: "folder that holds the content's file or folder",
      type: 'string',
      default: '.',
      coerce: one('dir', text),
    })
    .example('$0 verify dataset.torrent --dir /data', 'checks /data/dataset; exits 1 unless it is whole');

/** Files that are listed for people. */
const MOST_LISTED = 100;

async function verify(args: ArgumentsOf<typeof options>): Promise<void> {
  const { output } = await openContext(args);
  const { readTorrent } = await import('../source.ts');
  const metainfo = await readTorrent(args.torrent);
  const [{ verifyContent }, { printable, toHex }, words] = await Promise.all([
    import('@pixtorrent/client'),
    import('@pixtorrent/core'),
    import('../output/words.ts'),
  ]);
  const view = output.progress('checking');
  const { pieces, bad } = await verifyContent(metainfo, args.dir, {
    signal: interrupted,
    onProgress: (done, total) => view.update(done, total, words.bytes(total)),
  }).finally(() => view.end());

  const wrong = new Map(bad.map(({ file, pieces }) => [file, pieces]));
  const faults: { path: string; fault: Fault; pieces: number }[] = [];
  for (const [index, entry] of metainfo.files.entries()) {
    const fault = entry.padding ? undefined : await faultOf(args.dir, entry, wrong.has(index));
    if (fault) faults.push({ path: entry.path.join('/'), fault, pieces: wrong.get(index) ?? 0 });
  }
  const whole = pieces.complete && faults.length === 0;
  output.event({
    event: 'verified',
    infoHash: toHex(metainfo.infoHash),
    whole,
    pieces: pieces.count,
    pieceCount: metainfo.pieceCount,
    bad: faults,
  });
  for (const { path, fault, pieces } of faults.slice(0, MOST_LISTED)) {
    const detail = fault === 'bad' ? words.counted(pieces, 'bad piece') : fault;
    output.print(`${words.bad(detail.padEnd(12))} ${printable(path, 4096)}`);
  }
  if (faults.length > MOST_LISTED) {
    output.print(`and ${words.counted(faults.length - MOST_LISTED, 'file')} more; --json lists all`);
  }
  if (!whole) {
    const count = `${pieces.count} of ${metainfo.pieceCount} pieces are right`;
    throw new CliError(
      'not-whole',
      `${printable(metainfo.name)} in ${args.dir} is not whole: ${count}; pixtorrent get fetches the rest`,
    );
  }
  output.print(
    `${words.good('whole')}: ${words.bytes(metainfo.length)}, ${words.counted(pieces.count, 'piece')}`,
  );
}

type Fault = 'missing' | 'too short' | 'too long' | 'bad';

/** No piece tells of a file without a byte, nor of bytes after the last. */
async function faultOf(dir: string, entry: FileEntry, hasBadPieces: boolean): Promise<Fault | undefined> {
  try {
    const { size } = await stat(join(dir, ...entry.path));
    if (size !== entry.length) return size < entry.length ? 'too short' : 'too long';
    return hasBadPieces ? 'bad' : undefined;
  } catch {
    return 'missing';
  }
}
