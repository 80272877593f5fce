import type { Magnet, Metainfo } from '@pixtorrent/metainfo';
import { openContext } from '../context.ts';
import type { ArgumentsOf, CommandLine } from '../options.ts';
import type { Output } from '../output/output.ts';

export function addInspect(yargs: CommandLine): CommandLine {
  return yargs.command('inspect <torrent>', 'Show what is in a .torrent or a magnet link', options, inspect);
}

const options = (yargs: CommandLine) =>
  yargs
    .positional('torrent', {
      describe: 'the .torrent file, or a magnet link in quotes',
      type: 'string',
      demandOption: true,
    })
    .example('$0 inspect dataset.torrent', 'its files, sizes, trackers and hashes')
    .example('$0 inspect dataset.torrent --json', 'the same for programs, all files in one line');

async function inspect(args: ArgumentsOf<typeof options>): Promise<void> {
  const { output } = await openContext(args);
  const { readSource } = await import('../source.ts');
  const source = await readSource(args.torrent);
  if (source.type === 'magnet') await showMagnet(source.magnet, output);
  else await showTorrent(source.metainfo, output);
}

async function showTorrent(metainfo: Metainfo, output: Output): Promise<void> {
  const [{ toHex, printable }, { formatMagnet }, words] = await Promise.all([
    import('@pixtorrent/core'),
    import('@pixtorrent/metainfo'),
    import('../output/words.ts'),
  ]);
  const { name, files, trackers, webSeeds, comment, createdBy, creationDate, infoHash } = metainfo;
  const { pieceLength, pieceCount } = metainfo;
  const magnet = formatMagnet({ infoHash, name, trackers: trackers.flat(), webSeeds });
  const stored = files.filter((file) => !file.padding);
  const bytes = stored.reduce((sum, file) => sum + file.length, 0);
  const created = creationDate === undefined ? undefined : isoTime(creationDate);
  output.event({
    event: 'torrent',
    infoHash: toHex(infoHash),
    magnet,
    name,
    length: bytes,
    pieceLength,
    pieces: pieceCount,
    private: metainfo.private,
    hybrid: metainfo.hybrid,
    trackers,
    webSeeds,
    comment,
    createdBy,
    created,
    files: stored.map((file) => ({ path: file.path.join('/'), length: file.length })),
  });

  const row = (title: string, value: string): void => {
    output.print(`${words.strong(title.padEnd(11))} ${value}`);
  };
  row('name', printable(name));
  row('info hash', toHex(infoHash));
  row('size', `${words.bytes(bytes)} (${bytes} bytes) in ${words.counted(stored.length, 'file')}`);
  row('pieces', `${pieceCount} of ${words.binaryBytes(pieceLength)}`);
  for (const [tier, urls] of trackers.entries()) {
    row(tier === 0 ? 'trackers' : '', urls.map((url) => printable(url)).join(' or '));
  }
  for (const [index, url] of webSeeds.entries()) row(index === 0 ? 'web seeds' : '', printable(url));
  if (metainfo.private) row('private', 'peers come from its trackers alone (BEP 27)');
  if (metainfo.hybrid) row('hybrid', 'has a version 2 half too (BEP 52), which is not used');
  if (comment !== undefined) row('comment', printable(comment));
  if (createdBy !== undefined) row('made by', printable(createdBy));
  if (created !== undefined) row('made at', created);
  row('magnet', magnet);
  row('files', '');
  for (const file of stored) {
    const flags = `${file.executable ? ', executable' : ''}${file.hidden ? ', hidden' : ''}`;
    output.print(`${words.bytes(file.length).padStart(11)} ${words.shownPath(file.path)}${flags}`);
  }
}

async function showMagnet(magnet: Magnet, output: Output): Promise<void> {
  const [{ endpointKey, printable, toHex }, words] = await Promise.all([
    import('@pixtorrent/core'),
    import('../output/words.ts'),
  ]);
  const { name, trackers, webSeeds } = magnet;
  const infoHash = toHex(magnet.infoHash);
  const peers = magnet.peers.map(endpointKey);
  output.event({ event: 'magnet', infoHash, name, trackers, webSeeds, peers });
  const row = (title: string, value: string): void => {
    output.print(`${words.strong(title.padEnd(11))} ${printable(value, 2048)}`);
  };
  row('info hash', infoHash);
  if (name !== undefined) row('name', name);
  for (const [index, url] of trackers.entries()) row(index === 0 ? 'trackers' : '', url);
  for (const [index, url] of webSeeds.entries()) row(index === 0 ? 'web seeds' : '', url);
  if (peers.length > 0) row('peers', peers.join(', '));
  output.print('files and sizes come from peers: pixtorrent get fetches them');
}

/** @returns undefined for a time that no calendar has */
function isoTime(seconds: number): string | undefined {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
