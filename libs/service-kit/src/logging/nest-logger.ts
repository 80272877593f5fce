import type { LoggerService } from '@nestjs/common';
import { type LogFields, type Logger, printable } from '@pixtorrent/core';

/** What Nest has to say, among the log lines of the service. How it starts is of interest only when debugging. */
export class NestLogger implements LoggerService {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  log(message: unknown, ...context: unknown[]): void {
    this.#logger.debug('nest', fieldsOf(message, context));
  }

  debug(message: unknown, ...context: unknown[]): void {
    this.#logger.debug('nest', fieldsOf(message, context));
  }

  verbose(message: unknown, ...context: unknown[]): void {
    this.#logger.debug('nest', fieldsOf(message, context));
  }

  warn(message: unknown, ...context: unknown[]): void {
    this.#logger.warn('nest', fieldsOf(message, context));
  }

  error(message: unknown, ...context: unknown[]): void {
    this.#logger.error('nest', fieldsOf(message, context));
  }

  fatal(message: unknown, ...context: unknown[]): void {
    this.#logger.error('nest', fieldsOf(message, context));
  }
}

function fieldsOf(message: unknown, context: readonly unknown[]): LogFields {
  const text = message instanceof Error ? (message.stack ?? message.message) : String(message);
  return { what: printable(text, 2000), context: printable(context.map(String).join(' '), 2000) };
}
