import type { Logger } from '@pixtorrent/core';
import type { CommonOptions } from './options.ts';
import type { Output } from './output/output.ts';

/** What a command works with: where its words and its log lines go. */
export interface Context {
  readonly output: Output;
  readonly logger: Logger;
}

export async function openContext(options: CommonOptions): Promise<Context> {
  const { Output } = await import('./output/output.ts');
  return {
    output: new Output(options.json),
    logger: options.verbose
      ? (await import('./output/verbose-logger.ts')).verboseLogger()
      : (await import('./output/warning-logger.ts')).warningLogger(),
  };
}
