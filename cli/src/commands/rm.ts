import { clusterOptions } from '../cluster/options.ts';
import { openContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { type ArgumentsOf, type CommandLine, one, text } from '../options.ts';

export function addRm(yargs: CommandLine): CommandLine {
  return yargs.command('rm <name>', 'Remove content from a cluster, from every node', options, rm);
}

const options = (yargs: CommandLine) =>
  clusterOptions(yargs)
    .positional('name', {
      describe: 'NAME for all its versions, NAME@VERSION for one',
      type: 'string',
      demandOption: true,
      coerce: one('name', text),
    })
    .example('$0 rm llama-70b@1', 'the first version: its space is free on every node soon after')
    .example('$0 rm llama-70b', 'all versions');

async function rm(args: ArgumentsOf<typeof options>): Promise<void> {
  const match = /^([^@]+)(?:@(\d{1,9}))?$/.exec(args.name);
  if (match === null) throw new CliError('usage', `${args.name}: give NAME or NAME@VERSION`);
  const name = match[1]!;
  const { output } = await openContext(args);
  const [{ Services, answer, soon }, { Metadata }, words] = await Promise.all([
    import('../cluster/services.ts'),
    import('@grpc/grpc-js'),
    import('../output/words.ts'),
  ]);
  const services = await Services.open(args);
  try {
    const request = { name, version: Number(match[2] ?? 0) };
    const { removed } = await answer<{ removed: number }>(
      `the tracker service at ${services.server}`,
      (done) => services.catalog.remove(request, new Metadata(), soon(), done),
    );
    output.event({ event: 'removed', name: args.name, versions: removed });
    output.print(`removed ${words.counted(removed, 'version')} of ${name}`);
  } finally {
    services.close();
  }
}
