import { type Logger, printable } from '@pixtorrent/core';

export interface ShutdownStep {
  readonly name: string;
  /** @param remaining milliseconds until the deadline */
  run(remaining: number): Promise<unknown> | unknown;
}

/** Whether all steps were done, or the deadline came first. */
export type ShutdownResult = 'done' | 'late';

export interface ShutdownOptions {
  /** Milliseconds for all steps together. */
  readonly timeout: number;
}

/**
 * The end of a service, step by step in the order in which they were added. A step that fails does not keep the others
 * from their turn; one that does not end is left behind when the deadline comes.
 */
export class Shutdown {
  readonly #logger: Logger;
  readonly #timeout: number;
  readonly #steps: ShutdownStep[] = [];
  #running: Promise<ShutdownResult> | undefined;

  constructor(logger: Logger, options: ShutdownOptions) {
    this.#logger = logger;
    this.#timeout = options.timeout;
  }

  add(step: ShutdownStep): void {
    this.#steps.push(step);
  }

  /** Runs them once, however often it is asked. */
  run(): Promise<ShutdownResult> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<ShutdownResult> {
    const deadline = performance.now() + this.#timeout;
    for (const step of this.#steps) {
      const remaining = Math.max(0, deadline - performance.now());
      if ((await this.#within(remaining, step)) === 'late') {
        this.#logger.error('shutdown took too long', { step: step.name, timeout: this.#timeout });
        return 'late';
      }
    }
    return 'done';
  }

  async #within(remaining: number, step: ShutdownStep): Promise<ShutdownResult> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), remaining);
    });
    const work = Promise.resolve()
      .then(() => step.run(remaining))
      .then(
        () => 'done' as const,
        (error: unknown) => {
          this.#logger.error('shutdown step failed', { step: step.name, reason: printable(String(error)) });
          return 'done' as const;
        },
      );
    const result = await Promise.race([work, late]);
    clearTimeout(timer);
    return result;
  }
}
