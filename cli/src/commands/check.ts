import { clusterOptions, tokenOptions } from '../cluster/options.ts';
import { openContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { type ArgumentsOf, type CommandLine, one, seconds, size } from '../options.ts';

export function addCheck(yargs: CommandLine): CommandLine {
  return yargs.command(
    'check',
    'Prove that a cluster works: content goes to every node, and is read from each',
    options,
    check,
  );
}

const options = (yargs: CommandLine) =>
  tokenOptions(clusterOptions(yargs))
    .option('size', {
      describe: 'bytes of the content, at most 1GiB; it is removed afterwards',
      type: 'string',
      default: '4MiB',
      coerce: one('size', size),
    })
    .option('timeout', {
      describe: 'give up after so many seconds',
      type: 'string',
      default: '120',
      coerce: one('timeout', seconds),
    })
    .example('$0 check', 'exits with 0 when each node has given back what one was given');

const LARGEST = 2 ** 30;
/** Milliseconds; no timer of the system takes more. */
const LONGEST = 2 ** 31 - 1;

async function check(args: ArgumentsOf<typeof options>): Promise<void> {
  if (args.size > LARGEST) throw new CliError('usage', '--size: at most 1GiB');
  const { output } = await openContext(args);
  const [{ Services }, { passAround }, words, { printable }] = await Promise.all([
    import('../cluster/services.ts'),
    import('../cluster/pass-around.ts'),
    import('../output/words.ts'),
    import('@pixtorrent/core'),
  ]);
  const services = await Services.open(args);
  const began = performance.now();
  const late = Promise.withResolvers<never>();
  const milliseconds = Math.min(LONGEST, args.timeout * 1000);
  const timer = setTimeout(() => {
    const reason = `not every node had it after ${args.timeout} s; pixtorrent status shows how far they are`;
    late.reject(new CliError('not-whole', reason));
  }, milliseconds);
  try {
    const nodes = await passAround(services, { size: args.size, output, deadline: late.promise });
    const elapsed = Math.round(performance.now() - began) / 1000;
    output.event({ event: 'checked', nodes, size: args.size, seconds: elapsed });
    const names = nodes.map((name) => printable(name)).join(', ');
    output.print(`${words.bytes(args.size)} came back from ${names} within ${words.duration(elapsed)}`);
  } finally {
    clearTimeout(timer);
    services.close();
  }
}
