import { readFileSync, type Stats, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { type Logger, printable, type Timer, type Timers } from '@pixtorrent/core';
import { ConfigError } from '../errors.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { sharedMetric } from '../metrics/shared-metric.ts';

export interface WatchedFilesDependencies {
  readonly timers: Timers;
  readonly logger: Logger;
  readonly metrics?: Metrics;
}

export interface WatchedFilesOptions<T> {
  /** What they are, for whoever runs the service: `gRPC certificates`. A constant: it is a label of metrics. */
  readonly name: string;
  readonly paths: readonly string[];
  /** Makes of the contents, in the order of the paths, what is used. @throws where it cannot; the message is logged */
  readonly parse: (contents: readonly string[]) => T;
  /** Milliseconds between two looks. @default 10,000 */
  readonly period?: number;
}

const DEFAULT_PERIOD = 10_000;
/** Bytes of a file. */
const LARGEST = 4 * 2 ** 20;

const reloads = sharedMetric((metrics) =>
  metrics.counter({
    name: 'file_reloads_total',
    help: 'Files that changed while the service ran, and whether they could be used',
    labels: ['files', 'result'],
  }),
);

/**
 * Files that may change while the service runs. They are looked at from time to time, because what Kubernetes mounts
 * changes behind a symbolic link, where no file system says so. What cannot be used is logged once, and what was there
 * before stays in force until it can.
 */
export class WatchedFiles<T> {
  readonly #dependencies: WatchedFilesDependencies;
  readonly #options: WatchedFilesOptions<T>;
  readonly #listeners = new Set<(value: T) => void>();
  #stamp: string;
  #current: T;
  #complaint: string | undefined;
  #timer: Timer | undefined;
  #closed = false;

  /** Reads them at once. @throws ConfigError where they cannot be used */
  constructor(dependencies: WatchedFilesDependencies, options: WatchedFilesOptions<T>) {
    const { paths, parse, name } = options;
    this.#dependencies = dependencies;
    this.#options = options;
    try {
      // Before the contents: what is written in between is found by the next look.
      this.#stamp = paths.map((path) => stampOf(path, statSync(path))).join();
      this.#current = parse(paths.map((path) => readFileSync(path, 'utf8')));
    } catch (error) {
      throw new ConfigError([{ name, wrong: `cannot be used: ${reasonOf(error)}`, expected: '' }]);
    }
    this.#schedule();
  }

  /** The same value for as long as nothing has changed. */
  get current(): T {
    return this.#current;
  }

  /** Calls `listener` after each change. @returns how to have that end */
  onChange(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks no more. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  #schedule(): void {
    if (this.#closed) return;
    const { period = DEFAULT_PERIOD } = this.#options;
    this.#timer = this.#dependencies.timers.after(period, () => {
      this.#look().then(
        () => this.#schedule(),
        (error) => {
          this.#complain(reasonOf(error));
          this.#schedule();
        },
      );
    });
  }

  async #look(): Promise<void> {
    const { paths, parse, name } = this.#options;
    const stamps = await Promise.all(paths.map(async (path) => stampOf(path, await stat(path))));
    if (stamps.join() === this.#stamp) {
      this.#complaint = undefined;
      return;
    }
    const contents = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
    if (this.#closed) return;
    const value = parse(contents);
    this.#stamp = stamps.join();
    this.#current = value;
    this.#complaint = undefined;
    this.#count('ok');
    this.#dependencies.logger.info('files changed, and are in force', { files: name });
    for (const listener of this.#listeners) listener(value);
  }

  /** Once for each reason: what is wrong stays so until somebody mends it. */
  #complain(reason: string): void {
    if (this.#closed || reason === this.#complaint) return;
    this.#complaint = reason;
    this.#count('failed');
    const files = this.#options.name;
    this.#dependencies.logger.error('files changed and cannot be used: those before stay in force', {
      files,
      reason,
    });
  }

  #count(result: 'ok' | 'failed'): void {
    const { metrics } = this.#dependencies;
    if (metrics !== undefined) reloads(metrics).inc({ files: this.#options.name, result });
  }
}

/** Tells one state of a file from another, also where a link leads elsewhere. @throws RangeError where it is too large */
function stampOf(path: string, { ino, size, mtimeMs, ctimeMs }: Stats): string {
  if (size > LARGEST) throw new RangeError(`${path} is larger than 4 MiB`);
  return [ino, size, mtimeMs, ctimeMs].join(':');
}

function reasonOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error));
}
