import { openContext } from '../context.ts';
import { interrupted } from '../interrupt.ts';
import { type ArgumentsOf, type CommandLine, many, one, port, rate, text } from '../options.ts';

export function addSeed(yargs: CommandLine): CommandLine {
  return yargs.command('seed <torrent>', 'Give content to others, after a check of it', options, seed);
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
    .option('port', {
      describe: 'port to listen on; 0 picks one',
      type: 'string',
      default: '0',
      coerce: one('port', port),
    })
    .option('host', {
      describe: 'address to listen on [default: all]',
      type: 'string',
      coerce: one('host', text),
    })
    .option('tracker', {
      describe: 'announce URL, beside those in the torrent',
      array: true,
      string: true,
      default: [],
      defaultDescription: 'none',
      coerce: many('tracker', text),
    })
    .option('super-seed', {
      describe: 'send as little as possible more than once: for a first seeder with a slow line (BEP 16)',
      type: 'boolean',
      default: false,
    })
    .option('upload-rate', {
      describe: 'bytes a second at most, such as 20MB',
      type: 'string',
      coerce: one('upload-rate', rate),
    })
    .example('$0 seed dataset.torrent --dir /data', 'seeds /data/dataset')
    .epilog('For measuring: PIXTORRENT_WIRE=pixwire or bep3 has peers dialled in that wire alone.');

async function seed(args: ArgumentsOf<typeof options>): Promise<void> {
  const { output, logger } = await openContext(args);
  const { wiresFromEnvironment } = await import('../transfer/wires.ts');
  const wires = wiresFromEnvironment();
  const { readTorrent } = await import('../source.ts');
  const metainfo = await readTorrent(args.torrent);
  const [{ Client }, { Transfer }, { endpointKey, printable }, words] = await Promise.all([
    import('@pixtorrent/client'),
    import('../transfer/transfer.ts'),
    import('@pixtorrent/core'),
    import('../output/words.ts'),
  ]);
  const { host, port } = args;
  const client = await Client.open({ port, logger, ...(host !== undefined && { host }) });
  try {
    const view = output.progress('checking');
    const session = await client
      .seed(metainfo, {
        dir: args.dir,
        trackers: args.tracker,
        superSeed: args.superSeed,
        ...(wires !== undefined && { wires }),
        ...(args.uploadRate !== undefined && { uploadRate: args.uploadRate }),
        signal: interrupted,
        onProgress: (done, total) => view.update(done, total, words.bytes(total)),
      })
      .finally(() => view.end());
    const transfer = Transfer.start(client, session, output);
    const { pieces } = session.stats();
    const part = pieces === metainfo.pieceCount ? 'all of it' : `${pieces} of ${metainfo.pieceCount} pieces`;
    output.note(`seeding ${printable(metainfo.name)} (${part}) on ${endpointKey(client)}; Ctrl-C ends it`);
    try {
      await transfer.seeding();
    } finally {
      transfer.end();
    }
  } finally {
    await client.close();
  }
}
