import { run } from './processes.ts';

/** The command is tested as people run it: built. */
export async function setup(): Promise<void> {
  await run(['npm', 'run', 'build']);
}
