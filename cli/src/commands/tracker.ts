import { openContext } from '../context.ts';
import { interruption } from '../interrupt.ts';
import { type ArgumentsOf, type CommandLine, one, port, text } from '../options.ts';

export function addTracker(yargs: CommandLine): CommandLine {
  return yargs.command('tracker', 'Run a tracker: peers find each other through it', options, tracker);
}

const options = (yargs: CommandLine) =>
  yargs
    .option('http-port', {
      describe: 'port for announces over HTTP; 0 picks one',
      type: 'string',
      default: '6969',
      coerce: one('http-port', port),
    })
    .option('host', {
      describe: 'address to listen on [default: all]',
      type: 'string',
      coerce: one('host', text),
    })
    .example('$0 tracker', 'then: $0 create PATH --tracker http://HOST:6969/announce');

async function tracker(args: ArgumentsOf<typeof options>): Promise<void> {
  const { output, logger } = await openContext(args);
  const { startHttpTracker } = await import('@pixtorrent/tracker');
  const { host } = args;
  const running = await startHttpTracker({
    port: args.httpPort,
    logger,
    ...(host !== undefined && { host }),
  });
  try {
    const { port, url } = running;
    output.event({ event: 'ready', http: url, host: host ?? '0.0.0.0', port });
    output.print(`tracker on ${host ?? 'all addresses'}, port ${port}: ${url}`);
    output.note('peers are kept in memory; Ctrl-C ends it');
    await interruption();
  } finally {
    await running.close();
  }
}
