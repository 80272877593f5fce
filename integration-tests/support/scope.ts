import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Cleanup = () => Promise<unknown> | unknown;

/** What a test or a benchmark brought into being, undone in the opposite order, whatever happened meanwhile. */
export class Scope {
  readonly #cleanups: Cleanup[] = [];

  defer(cleanup: Cleanup): void {
    this.#cleanups.push(cleanup);
  }

  /** A new empty folder that goes with the scope. */
  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'pixtorrent-'));
    this.defer(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }

  /** @throws AggregateError of what could not be undone, after all else was */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (let cleanup = this.#cleanups.pop(); cleanup; cleanup = this.#cleanups.pop()) {
      try {
        await cleanup();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'clean-up failed');
  }
}

/** Runs `work` in a scope of its own. */
export async function scoped<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
  const scope = new Scope();
  try {
    return await work(scope);
  } finally {
    await scope.close();
  }
}
