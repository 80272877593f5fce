import { clusterOptions } from '../cluster/options.ts';
import { openContext } from '../context.ts';
import { type ArgumentsOf, type CommandLine, one, text } from '../options.ts';

export function addLs(yargs: CommandLine): CommandLine {
  return yargs.command('ls [name]', 'List what a cluster holds', options, ls);
}

const options = (yargs: CommandLine) =>
  clusterOptions(yargs)
    .positional('name', { describe: 'only this name', type: 'string', coerce: one('name', text) })
    .option('all', {
      alias: 'a',
      describe: 'older versions too',
      type: 'boolean',
      default: false,
    })
    .example('$0 ls', 'the newest version of each name, and on how many nodes it is')
    .example('$0 ls llama-70b --all', 'every version of one name');

async function ls(args: ArgumentsOf<typeof options>): Promise<void> {
  const { output } = await openContext(args);
  const [{ Services, STALE }, { rollOuts }, { table }, { printable }, words] = await Promise.all([
    import('../cluster/services.ts'),
    import('../cluster/roll-out.ts'),
    import('../cluster/table.ts'),
    import('@pixtorrent/core'),
    import('../output/words.ts'),
  ]);
  const services = await Services.open(args);
  try {
    const [nodes, { entries, stale }] = await Promise.all([services.nodes(), services.entries(args.name)]);
    if (stale) output.note(STALE);
    // In the order of names and versions: the last of a name is its newest.
    const shown = entries.filter(({ name }, i) => args.all || entries[i + 1]?.name !== name);
    const all = rollOuts(shown, nodes);
    for (const { wanted, shares: _, ...entry } of all)
      output.event({ event: 'entry', ...entry, wanted: wanted.length });
    if (all.length === 0) {
      output.note('there is nothing; pixtorrent publish PATH --name NAME adds something');
      return;
    }
    const rows = all.map(({ name, version, size, replicas, whole, wanted, published }) => [
      `${printable(name)}@${version}`,
      words.bytes(size),
      `${replicas}`,
      `${whole}/${wanted.length}`,
      new Date(published).toISOString().slice(0, 16).replace('T', ' '),
    ]);
    const head = ['NAME', 'SIZE', 'REPLICAS', 'WHOLE ON', 'PUBLISHED (UTC)'];
    for (const line of table([head, ...rows], new Set([1, 2, 3]))) output.print(line);
  } finally {
    services.close();
  }
}
