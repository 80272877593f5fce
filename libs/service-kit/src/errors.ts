import { PixError } from '@pixtorrent/core';

/** One thing that is wrong with the environment. */
export interface ConfigProblem {
  /** The variable. */
  readonly name: string;
  /** What is wrong with it, without its value where that is a secret. */
  readonly wrong: string;
  /** What it should be; empty where there is nothing to say. */
  readonly expected: string;
}

/** An environment that a service cannot start with. It tells of everything that is wrong, one line each. */
export class ConfigError extends PixError<'bad-config'> {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super('bad-config', problems.map(describe).join('\n'));
    this.problems = problems;
  }
}

function describe({ name, wrong, expected }: ConfigProblem): string {
  return expected === '' ? `${name} ${wrong}` : `${name} ${wrong}; expected ${expected}`;
}
