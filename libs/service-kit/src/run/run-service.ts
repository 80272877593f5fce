import { getSystemErrorMessage } from 'node:util';
import { ConfigError } from '../errors.ts';
import type { ShutdownResult } from '../shutdown/shutdown.ts';
import { onTermination } from '../shutdown/termination.ts';

/** How a service's process ends; whoever runs it depends on these. */
const EXIT = { late: 1, badConfig: 2, system: 3 } as const;

export interface RunningService {
  /** @returns whether all was done before the deadline */
  close(): Promise<ShutdownResult>;
}

/**
 * The life of a service's process: starts it, and ends it in good order when it is asked to. Ends the process with 2
 * and a line for each variable that is wrong, with 3 and a sentence where the system refuses a port or a file, with 1
 * where the shutdown took too long.
 * @param name that of the command, for messages
 */
export async function runService(name: string, start: () => Promise<RunningService>): Promise<void> {
  try {
    const starting = start();
    // From the beginning: who is asked to end while it starts does so in good order too.
    onTermination(async () => {
      const result = await (await starting).close();
      process.exit(result === 'done' ? 0 : EXIT.late);
    });
    await starting;
  } catch (error) {
    process.exit(explain(name, error));
  }
}

function explain(name: string, error: unknown): number {
  if (error instanceof ConfigError) {
    const lines = error.problems.length === 1 ? 'one variable is' : `${error.problems.length} variables are`;
    process.stderr.write(`${name}: ${lines} wrong\n${error.message}\n`);
    return EXIT.badConfig;
  }
  if (isSystemError(error)) {
    process.stderr.write(
      `${name}: cannot ${error.syscall} ${placeOf(error)}: ${getSystemErrorMessage(error.errno)}\n`,
    );
    return EXIT.system;
  }
  if (error instanceof Error && isSystemError(error.cause)) {
    process.stderr.write(`${name}: ${error.message}\n`);
    return EXIT.system;
  }
  throw error;
}

interface SystemError extends NodeJS.ErrnoException {
  readonly errno: number;
  readonly syscall: string;
  readonly address?: string;
  readonly port?: number;
}

function placeOf({ path, address, port }: SystemError): string {
  return path ?? `${address ?? 'every address'} port ${port ?? '?'}`;
}

function isSystemError(error: unknown): error is SystemError {
  return (
    error instanceof Error &&
    'syscall' in error &&
    typeof error.syscall === 'string' &&
    'errno' in error &&
    typeof error.errno === 'number'
  );
}
