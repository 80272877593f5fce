import type { LogFields, Logger } from '@pixtorrent/core';
import { destination, type Logger as Pino, pino } from 'pino';

/** Every log line, as JSON on standard error. */
export function verboseLogger(): Logger {
  // Written at once: the last lines before an end are those that explain it.
  return new VerboseLogger(pino({ level: 'debug', base: null }, destination({ fd: 2, sync: true })));
}

class VerboseLogger implements Logger {
  readonly #pino: Pino;

  constructor(logger: Pino) {
    this.#pino = logger;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#pino.debug(fields, message);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#pino.info(fields, message);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#pino.warn(fields, message);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#pino.error(fields, message);
  }

  child(fields: LogFields): Logger {
    return new VerboseLogger(this.#pino.child(fields));
  }
}
