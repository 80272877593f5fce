import type { LogFields, Logger } from '@pixtorrent/core';
import { type DestinationStream, destination, type Logger as Pino, pino } from 'pino';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface JsonLoggerOptions {
  readonly service: string;
  /** @default 'info' */
  readonly level?: LogLevel;
  /** @default standard output */
  readonly destination?: DestinationStream;
}

/** Log lines as JSON, one object each. */
export function jsonLogger(options: JsonLoggerOptions): Logger {
  const { service, level = 'info' } = options;
  // Written at once: the last lines before an end are those that explain it.
  const stream = options.destination ?? destination({ fd: 1, sync: true });
  const format = { base: { service }, timestamp: pino.stdTimeFunctions.isoTime, level };
  return new JsonLogger(pino({ ...format, formatters: { level: (label) => ({ level: label }) } }, stream));
}

class JsonLogger implements Logger {
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
    return new JsonLogger(this.#pino.child(fields));
  }
}
