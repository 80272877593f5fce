import type { LogFields, Logger } from '@pixtorrent/core';
import { printable } from '@pixtorrent/core';

/** Lines of one kind; a hostile peer must not be able to flood the terminal. */
const MOST_OF_A_KIND = 5;

/** Warnings and errors alone, as short lines for people on standard error. */
export function warningLogger(): Logger {
  return new WarningLogger(new Map());
}

class WarningLogger implements Logger {
  readonly #seen: Map<string, number>;

  constructor(seen: Map<string, number>) {
    this.#seen = seen;
  }

  debug(): void {}
  info(): void {}

  warn(message: string, fields: LogFields = {}): void {
    const count = (this.#seen.get(message) ?? 0) + 1;
    this.#seen.set(message, count);
    if (count > MOST_OF_A_KIND) return;
    const details = Object.entries(fields).map(([key, value]) => `${key} ${printable(String(value))}`);
    const more = count === MOST_OF_A_KIND ? '; more of these only with --verbose' : '';
    process.stderr.write(`warning: ${[message, ...details].join(', ')}${more}\n`);
  }

  error(message: string, fields?: LogFields): void {
    this.warn(message, fields);
  }

  child(): Logger {
    return this;
  }
}
