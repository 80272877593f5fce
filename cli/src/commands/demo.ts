import { openContext } from '../context.ts';
import { type ArgumentsOf, type CommandLine, count, one, size } from '../options.ts';

export function addDemo(yargs: CommandLine): CommandLine {
  return yargs.command('demo', 'Run a whole swarm on this machine, and measure it', options, demo);
}

const options = (yargs: CommandLine) =>
  yargs
    .option('nodes', {
      describe: 'how many get the file',
      type: 'string',
      default: '4',
      coerce: one('nodes', count),
    })
    .option('size', {
      describe:
        'of the file that is made for it; the temporary folder has to hold it once more than there are nodes',
      type: 'string',
      default: '256MiB',
      coerce: one('size', size),
    })
    .option('stay', {
      describe: 'go on running until Ctrl-C, for what else one wants to try',
      type: 'boolean',
      default: false,
    })
    .example('$0 demo --nodes 8 --size 100MB', 'a tracker, a seeder and eight nodes')
    .example('$0 demo --stay', 'and then pixtorrent status, publish, or curl in another shell');

async function demo(args: ArgumentsOf<typeof options>): Promise<void> {
  const [context, { runDemo }] = await Promise.all([openContext(args), import('../demo/demo.ts')]);
  await runDemo(args, context);
}
