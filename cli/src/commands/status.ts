import { clusterOptions } from '../cluster/options.ts';
import { openContext } from '../context.ts';
import { type ArgumentsOf, type CommandLine, one, text } from '../options.ts';

export function addStatus(yargs: CommandLine): CommandLine {
  return yargs.command(
    'status [name]',
    'Show the nodes of a cluster, and how content spreads',
    options,
    status,
  );
}

const options = (yargs: CommandLine) =>
  clusterOptions(yargs)
    .positional('name', {
      describe: 'only this content, node by node',
      type: 'string',
      coerce: one('name', text),
    })
    .option('watch', {
      alias: 'w',
      describe: 'go on showing it until Ctrl-C',
      type: 'boolean',
      default: false,
    })
    .example('$0 status', 'nodes, and how far each content is')
    .example('$0 status llama-70b --watch', 'a roll-out, live');

async function status(args: ArgumentsOf<typeof options>): Promise<void> {
  const { output } = await openContext(args);
  const [{ Services, STALE }, { clusterLines, showLive, statusEvent }, { rollOuts }] = await Promise.all([
    import('../cluster/services.ts'),
    import('../cluster/status-view.ts'),
    import('../cluster/roll-out.ts'),
  ]);
  const services = await Services.open(args);
  const look = async (): Promise<string[]> => {
    const [nodes, { entries, stale }] = await Promise.all([services.nodes(), services.entries(args.name)]);
    const newest = entries.filter(({ name }, i) => entries[i + 1]?.name !== name);
    const all = rollOuts(newest, nodes);
    output.event(statusEvent(nodes, all, stale));
    return [...(stale ? [STALE, ''] : []), ...clusterLines(nodes, all, args.name)];
  };
  try {
    if (args.watch) await showLive(look, output);
    else for (const line of await look()) output.print(line);
  } finally {
    services.close();
  }
}
