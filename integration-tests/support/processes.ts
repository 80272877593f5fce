import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { Host } from './namespaces.ts';
import type { Scope } from './scope.ts';

const KEPT_LINES = 400;
const STOP_SECONDS = 10;
/** Has the kernel end a process with the test that started it, even where the test was killed. */
const TETHER = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL'] : [];

export interface StartOptions {
  /** The namespace that it runs in. @default the test's own */
  readonly host?: Host | undefined;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Waiter {
  readonly accepts: (line: string) => boolean;
  readonly resolve: (line: string) => void;
}

/** A process that a test started: its output is kept, every wait has a deadline, and only it is ever killed. */
export class Process {
  readonly name: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<Exit>;
  readonly #log: string[] = [];
  readonly #stdout: string[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #tails: Promise<void>[] = [];
  #exit: Exit | undefined;
  #dropped = 0;

  private constructor(name: string, child: ChildProcess, pid: number) {
    this.name = name;
    this.pid = pid;
    this.#child = child;
    this.#tails.push(this.#follow(child.stdout!, this.#stdout), this.#follow(child.stderr!));
    this.#exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  /** It is stopped with the scope, if it still runs then. */
  static async start(
    scope: Scope,
    name: string,
    command: readonly string[],
    options: StartOptions = {},
  ): Promise<Process> {
    const [program, ...args] = [...TETHER, ...(options.host?.enter ?? []), ...command];
    const child = spawn(program!, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const started = new Process(name, child, child.pid!);
    scope.defer(() => started.stop());
    return started;
  }

  /**
   * The first line of standard output that is accepted, among those already there and those to come.
   * @throws Error with the log when the deadline passes or the process ends first
   */
  async line(what: string, accepts: (line: string) => boolean, seconds: number): Promise<string> {
    const found = this.#stdout.find(accepts);
    if (found !== undefined) return found;
    const waiter = Promise.withResolvers<string>();
    const entry = { accepts, resolve: waiter.resolve };
    this.#waiters.add(entry);
    const ended = this.#exited.then((exit) => this.#endedBefore(what, exit));
    try {
      return await within(seconds, Promise.race([waiter.promise, ended]), () =>
        this.failure(`no ${what} within ${seconds} s`),
      );
    } finally {
      this.#waiters.delete(entry);
    }
  }

  /**
   * Looks again until the condition gives something.
   * @throws Error with the log when the deadline passes or the process ends first
   */
  until<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
    return until(
      seconds,
      async () => {
        if (this.#exit !== undefined) await this.#endedBefore(what, this.#exit);
        return look();
      },
      () => this.failure(`is not ${what} after ${seconds} s`),
    );
  }

  /** @throws Error with the log when it still runs after the deadline */
  async exit(seconds: number): Promise<Exit> {
    const exit = await within(seconds, this.#exited, () => this.failure(`did not end within ${seconds} s`));
    await Promise.all(this.#tails);
    return exit;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it, if it has not ended: politely, then at once. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    try {
      await this.exit(STOP_SECONDS);
    } catch {
      this.#child.kill('SIGKILL');
      await this.exit(STOP_SECONDS);
    }
  }

  /** Everything that it wrote, or the end of it. */
  get log(): string {
    const dropped = this.#dropped > 0 ? [`… ${this.#dropped} lines before`] : [];
    return [...dropped, ...this.#log].join('\n');
  }

  get stdout(): readonly string[] {
    return this.#stdout;
  }

  /** An error that names the process and shows its log. */
  failure(what: string): Error {
    return new Error(`${this.name}: ${what}\n--- log of ${this.name} ---\n${this.log}\n---`);
  }

  async #endedBefore(what: string, exit: Exit): Promise<never> {
    await Promise.all(this.#tails);
    throw this.failure(`ended (${describeExit(exit)}) before ${what}`);
  }

  async #follow(stream: Readable, keep?: string[]): Promise<void> {
    for await (const line of createInterface({ input: stream })) {
      this.#log.push(line);
      if (this.#log.length > KEPT_LINES) {
        this.#log.shift();
        this.#dropped++;
      }
      if (!keep) continue;
      keep.push(line);
      if (keep.length > KEPT_LINES) keep.shift();
      for (const waiter of this.#waiters) if (waiter.accepts(line)) waiter.resolve(line);
    }
  }
}

/** @throws the error of `late` where the work takes longer */
export async function within<T>(seconds: number, work: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), seconds * 1000);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks again every `everyMs` until the condition gives something. */
export async function until<T>(
  seconds: number,
  look: () => Promise<T | undefined> | T | undefined,
  late: () => Error,
  everyMs = 100,
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw late();
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Runs a short command to its end. @returns its standard output */
export async function run(command: readonly string[], host?: Host): Promise<string> {
  const [program, ...args] = [...(host?.enter ?? []), ...command];
  const { stdout } = await promisify(execFile)(program!, args, { timeout: 60_000, maxBuffer: 16 << 20 });
  return stdout;
}

function describeExit({ code, signal }: Exit): string {
  return signal ? `signal ${signal}` : `exit code ${code}`;
}
