import { getSystemErrorMessage } from 'node:util';
import { ConfigError, onTermination } from '@pixtorrent/service-kit';
import { bootstrap } from './bootstrap.ts';
import { readTrackerConfig } from './config/tracker-settings.ts';

/** How the process ends; whoever runs it depends on these. */
const EXIT = { late: 1, badConfig: 2, cannotListen: 3 } as const;

try {
  const starting = bootstrap(readTrackerConfig(process.env));
  // From the beginning: who is asked to end while it starts does so in good order too.
  onTermination(async () => {
    const result = await (await starting).close();
    process.exit(result === 'done' ? 0 : EXIT.late);
  });
  await starting;
} catch (error) {
  process.exit(explain(error));
}

function explain(error: unknown): number {
  if (error instanceof ConfigError) {
    const lines = error.problems.length === 1 ? 'one variable is' : `${error.problems.length} variables are`;
    process.stderr.write(`pixtorrent-tracker: ${lines} wrong\n${error.message}\n`);
    return EXIT.badConfig;
  }
  if (isListenError(error)) {
    const place = `${error.address ?? 'every address'} port ${error.port ?? '?'}`;
    const reason = getSystemErrorMessage(error.errno);
    process.stderr.write(`pixtorrent-tracker: cannot ${error.syscall} ${place}: ${reason}\n`);
    return EXIT.cannotListen;
  }
  throw error;
}

interface ListenError extends NodeJS.ErrnoException {
  readonly errno: number;
  readonly syscall: string;
  readonly address?: string;
  readonly port?: number;
}

function isListenError(error: unknown): error is ListenError {
  return (
    error instanceof Error &&
    'syscall' in error &&
    ['listen', 'bind', 'getaddrinfo'].includes(String(error.syscall)) &&
    'errno' in error &&
    typeof error.errno === 'number'
  );
}
