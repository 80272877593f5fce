import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { CliError } from '../errors.ts';
import type { OutputEvent, TransferFigures } from '../output/ndjson.ts';

/** How long a node may take to leave in good order, milliseconds. */
const STOP_TIME = 5000;

const NOTHING_YET: TransferFigures = {
  downloaded: 0,
  uploaded: 0,
  have: 0,
  total: 0,
  downRate: 0,
  upRate: 0,
  peers: 0,
  pieces: 0,
};

type Listener = () => void;

/** A process of its own that seeds or gets, run by this very command and followed by its `--json` events. */
export class SwarmNode {
  readonly name: string;
  /** Fulfilled when it listens, with the time on `performance.now()`'s scale. */
  readonly ready: Promise<number>;
  /** Fulfilled when it has everything, with the same kind of time. */
  readonly whole: Promise<number>;
  /** Seconds that its download took; undefined until it is whole. */
  seconds: number | undefined;
  figures: TransferFigures = NOTHING_YET;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #killAtExit = (): void => void this.#child.kill('SIGKILL');
  readonly #waiting = new Set<Listener>();
  #error = '';
  #stopping = false;

  /** @param args of the command, without `--json` */
  constructor(name: string, args: readonly string[], verbose: boolean) {
    this.name = name;
    const more = verbose ? ['--json', '--verbose'] : ['--json'];
    // The channel ends the node when this process is killed; see watchInterrupts.
    this.#child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args, ...more], {
      stdio: ['ignore', 'pipe', verbose ? 'inherit' : 'ignore', 'ipc'],
    });
    process.once('exit', this.#killAtExit);
    const ready = Promise.withResolvers<number>();
    const whole = Promise.withResolvers<number>();
    this.ready = ready.promise;
    this.whole = whole.promise;
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      const event: OutputEvent = JSON.parse(line);
      if (event.event === 'ready') ready.resolve(performance.now());
      if (event.event === 'error') this.#error = `: ${event.message}`;
      if (event.event === 'progress') this.#progress(event);
      if (event.event === 'complete') {
        this.seconds = event.seconds;
        whole.resolve(performance.now());
      }
    });
    this.#exited = new Promise((resolve) => {
      const end = (why: string): void => {
        process.off('exit', this.#killAtExit);
        resolve();
        if (this.#stopping) return;
        const error = new CliError('node-ended', `the process of ${name} ended (${why})${this.#error}`);
        ready.reject(error);
        whole.reject(error);
      };
      this.#child.once('error', (error) => end(error.message));
      this.#child.once('close', (code, signal) => end(signal ?? `exit code ${code}`));
    });
    // Whoever waits for one of them is told; the other need not be waited for.
    for (const promise of [this.ready, this.whole]) promise.catch(() => {});
  }

  /** Fulfilled with the next figures, or when the node ends. */
  async nextFigures(): Promise<void> {
    const figures = new Promise<void>((resolve) => this.#waiting.add(resolve));
    await Promise.race([figures, this.#exited]);
  }

  /** Has it leave in good order, or at once if that takes too long. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIME);
    await this.#exited;
    clearTimeout(timer);
  }

  #progress(figures: TransferFigures): void {
    this.figures = figures;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
