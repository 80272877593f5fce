import yargs from 'yargs';
import { addCheck } from './commands/check.ts';
import { addCreate } from './commands/create.ts';
import { addDemo } from './commands/demo.ts';
import { addDrain } from './commands/drain.ts';
import { addGet } from './commands/get.ts';
import { addInspect } from './commands/inspect.ts';
import { addLs } from './commands/ls.ts';
import { addPublish } from './commands/publish.ts';
import { addRm } from './commands/rm.ts';
import { addSeed } from './commands/seed.ts';
import { addStatus } from './commands/status.ts';
import { addTracker } from './commands/tracker.ts';
import { addVerify } from './commands/verify.ts';
import { CliError } from './errors.ts';
import { version } from './version.ts';

const COMMANDS = {
  create: addCreate,
  inspect: addInspect,
  verify: addVerify,
  seed: addSeed,
  get: addGet,
  tracker: addTracker,
  publish: addPublish,
  ls: addLs,
  status: addStatus,
  rm: addRm,
  drain: addDrain,
  check: addCheck,
  demo: addDemo,
};
const NAMES = Object.keys(COMMANDS);

/** Columns beyond which help is hard to read. */
const WIDEST = 110;

/**
 * Finds the command and runs it. What it needs beside its options is loaded only then: help has to come at once.
 * @throws CliError `usage`; whatever the command throws
 */
export async function runCommand(args: readonly string[]): Promise<void> {
  const common = yargs([...args])
    .scriptName('pixtorrent')
    .usage('$0 COMMAND\n\nPuts a file or folder of any size on every machine, by letting them share it.')
    .parserConfiguration({
      'greedy-arrays': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .option('json', {
      describe: 'print one JSON object a line, and nothing else',
      type: 'boolean',
      default: false,
    })
    .option('verbose', { alias: 'v', describe: 'log what happens inside', type: 'boolean', default: false });
  const parser = Object.values(COMMANDS)
    .reduce((line, add) => add(line), common)
    .completion('completion', 'Print a script that has the shell complete commands and options')
    .demandCommand(1, 'no command was given')
    .strict()
    .recommendCommands()
    .version(version())
    .help()
    .alias('help', 'h')
    .wrap(Math.min(WIDEST, process.stdout.columns ?? WIDEST))
    .epilog('pixtorrent COMMAND --help tells more, with examples.')
    .exitProcess(false)
    .fail((message, error) => {
      // What an option's reader refuses comes as an error of yargs with its message.
      if (error && error.name !== 'YError') throw error;
      throw usageError(error?.message ?? message, args);
    });
  await parser.parseAsync();
}

function usageError(message: string, args: readonly string[]): CliError {
  const command = args.find((word) => NAMES.includes(word));
  const help = ['pixtorrent', ...(command === undefined ? [] : [command]), '--help'].join(' ');
  const option = /^Missing required arguments?: (\S+)$/.exec(message)?.[1];
  const reason = message.startsWith('Not enough non-option arguments')
    ? 'what to work on is missing'
    : option !== undefined
      ? `--${option} is missing`
      : message.trim().replace(/\s*\n\s*/g, ' ');
  return new CliError('usage', `${reason}; see ${help}`);
}
