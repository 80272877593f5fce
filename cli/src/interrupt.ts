import { CliError } from './errors.ts';
import { ExitCode } from './exit-codes.ts';

/**
 * One Ctrl-C may arrive twice: a terminal gives it to the whole group of processes, and a process that started this one
 * passes it on. Milliseconds.
 */
const SAME_SIGNAL = 500;

const controller = new AbortController();

/** Aborted when the process is asked to leave. */
export const interrupted: AbortSignal = controller.signal;

/** Asks all that goes on to end in good order. */
export function interrupt(): void {
  controller.abort(new CliError('interrupted', 'interrupted'));
}

/**
 * The first Ctrl-C or SIGTERM lets the command leave in good order, the second leaves at once. A process that another
 * one started with a channel to itself leaves with it, so that nothing stays behind when that one is killed.
 */
export function watchInterrupts(): void {
  let first = 0;
  const leave = (): void => {
    if (!interrupted.aborted) {
      first = performance.now();
      interrupt();
    } else if (performance.now() - first > SAME_SIGNAL) process.exit(ExitCode.interrupted);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, leave);
  if (process.connected) {
    process.once('disconnect', interrupt);
    process.channel?.unref();
  }
  // Whoever read the output has gone, as in `pixtorrent inspect … | head`.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', interrupt);
}

/** @throws CliError `interrupted`, when it comes to that; never fulfilled */
export function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(interrupted.reason);
    if (interrupted.aborted) fail();
    else interrupted.addEventListener('abort', fail, { once: true });
  });
}
