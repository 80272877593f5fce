import type { Client, DownloadOptions } from '@pixtorrent/client';
import type { Metainfo } from '@pixtorrent/metainfo';
import { openContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { interrupted } from '../interrupt.ts';
import {
  type ArgumentsOf,
  type CommandLine,
  endpoint,
  many,
  one,
  port,
  rate,
  seconds,
  text,
} from '../options.ts';
import type { Output } from '../output/output.ts';
import type { Source } from '../source.ts';

export function addGet(yargs: CommandLine): CommandLine {
  return yargs.command('get <torrent>', 'Download; goes on where it was interrupted', options, get);
}

const options = (yargs: CommandLine) =>
  yargs
    .positional('torrent', {
      describe: 'the .torrent file, or a magnet link in quotes',
      type: 'string',
      demandOption: true,
    })
    .option('dir', {
      describe: "folder that the content's file or folder is put into",
      type: 'string',
      default: '.',
      coerce: one('dir', text),
    })
    .option('peer', {
      describe: 'HOST:PORT of somebody who has it; an IPv6 address in brackets',
      array: true,
      string: true,
      default: [],
      defaultDescription: 'those that trackers name',
      coerce: many('peer', endpoint),
    })
    .option('tracker', {
      describe: 'announce URL, beside those in the torrent',
      array: true,
      string: true,
      default: [],
      defaultDescription: 'none',
      coerce: many('tracker', text),
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
    .option('stay', { describe: 'seed on when it is whole', type: 'boolean', default: false })
    .option('sequential', {
      describe: 'from the first byte to the last',
      type: 'boolean',
      default: false,
    })
    .option('select', {
      describe: 'only files that match, such as "*.json" or "docs/**"; may be given again',
      array: true,
      string: true,
      default: [],
      defaultDescription: 'all files',
      coerce: many('select', text),
    })
    .option('download-rate', {
      describe: 'bytes a second at most, such as 20MB',
      type: 'string',
      coerce: one('download-rate', rate),
    })
    .option('upload-rate', {
      describe: 'bytes a second at most, such as 20MB',
      type: 'string',
      coerce: one('upload-rate', rate),
    })
    .option('timeout', {
      describe: 'give up after so many seconds without any peer and any progress; 0 is never',
      type: 'string',
      default: '120',
      coerce: one('timeout', seconds),
    })
    .example('$0 get dataset.torrent --dir /data', 'puts it into /data/dataset')
    .example('$0 get "magnet:?xt=…" --peer 192.0.2.7:6881', 'from a peer that you know')
    .example('$0 get dataset.torrent --select "*.json" --select "docs/**"', 'some of its files')
    .epilog('For measuring: PIXTORRENT_WIRE=pixwire or bep3 has peers dialled in that wire alone.');

type Arguments = ArgumentsOf<typeof options>;

async function get(args: Arguments): Promise<void> {
  const { output, logger } = await openContext(args);
  const { wiresFromEnvironment } = await import('../transfer/wires.ts');
  const wires = wiresFromEnvironment();
  const { readSource } = await import('../source.ts');
  const source = await readSource(args.torrent);
  const [{ Client }, { Transfer }] = await Promise.all([
    import('@pixtorrent/client'),
    import('../transfer/transfer.ts'),
  ]);
  const { host, port } = args;
  const client = await Client.open({ port, logger, ...(host !== undefined && { host }) });
  try {
    const metainfo = await metainfoOf(source, client, args, output, wires);
    const peers = source.type === 'magnet' ? [...args.peer, ...source.magnet.peers] : args.peer;
    const session = await download(client, metainfo, { ...args, peer: peers }, output, wires);
    const transfer = Transfer.start(client, session, output, args.timeout);
    try {
      await transfer.whole();
      if (args.stay) {
        output.note('seeding on; Ctrl-C ends it');
        await transfer.seeding();
      }
    } finally {
      transfer.end();
    }
  } catch (error) {
    if (error instanceof CliError && error.code === 'interrupted') {
      output.note('interrupted; to go on where it was, run the same command again');
    }
    throw error;
  } finally {
    await client.close();
  }
}

async function metainfoOf(
  source: Source,
  client: Client,
  args: Arguments,
  output: Output,
  wires: DownloadOptions['wires'],
): Promise<Metainfo> {
  if (source.type === 'torrent') return source.metainfo;
  const { magnet } = source;
  const trackers = [...magnet.trackers, ...args.tracker];
  output.note('asking peers what the magnet link stands for');
  return client.fetchMetadata(
    { ...magnet, trackers },
    {
      peers: args.peer,
      signal: interrupted,
      ...(wires && { wires }),
      // No timer of the system takes more than this.
      timeout: args.timeout > 0 ? args.timeout * 1000 : 2 ** 31 - 1,
    },
  );
}

async function download(
  client: Client,
  metainfo: Metainfo,
  args: Arguments,
  output: Output,
  wires: DownloadOptions['wires'],
) {
  const [{ selectFiles }, { printable }, words] = await Promise.all([
    import('../transfer/selection.ts'),
    import('@pixtorrent/core'),
    import('../output/words.ts'),
  ]);
  const selected = selectFiles(metainfo, args.select);
  output.note(`getting ${printable(metainfo.name)}, ${words.bytes(metainfo.length)}`);
  const view = output.progress('checking');
  try {
    return await client.download(metainfo, {
      dir: args.dir,
      peers: args.peer,
      trackers: args.tracker,
      order: args.sequential ? 'sequential' : 'rarest-first',
      ...(selected !== undefined && { selected }),
      ...(wires !== undefined && { wires }),
      ...(args.uploadRate !== undefined && { uploadRate: args.uploadRate }),
      ...(args.downloadRate !== undefined && { downloadRate: args.downloadRate }),
      signal: interrupted,
      onProgress: (done, total) => view.update(done, total, words.bytes(total)),
    });
  } finally {
    view.end();
  }
}
