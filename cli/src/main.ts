import { runCommand } from './command-line.ts';
import { ExitCode } from './exit-codes.ts';
import { watchInterrupts } from './interrupt.ts';

watchInterrupts();
const args = process.argv.slice(2);
try {
  await runCommand(args);
  process.exitCode = ExitCode.done;
} catch (error) {
  process.exitCode = await explain(error);
}
// Whatever still waits somewhere has nobody left to wait for it.
process.exit();

async function explain(error: unknown): Promise<ExitCode> {
  const [{ failureOf }, { formatEvent }] = await Promise.all([
    import('./failure.ts'),
    import('./output/ndjson.ts'),
  ]);
  const { exitCode, code, message, internal } = failureOf(error);
  if (exitCode !== ExitCode.interrupted) {
    // The arguments may be what was wrong: so they are looked at as they are.
    if (args.includes('--json')) process.stdout.write(formatEvent({ event: 'error', code, message }));
    process.stderr.write(`pixtorrent: ${message}\n`);
    const verbose = args.includes('--verbose') || args.includes('-v');
    if (internal && verbose && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  }
  return exitCode;
}
