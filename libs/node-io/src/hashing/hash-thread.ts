import { Worker } from 'node:worker_threads';
import { HashError } from './errors.ts';
import type { HashJob, HashResult } from './hash-worker.ts';

/** A job with who waits for it. */
export interface Job {
  readonly request: Omit<HashJob, 'memory'>;
  readonly memory: SharedArrayBuffer;
  /** Hears a result that is not the last. */
  readonly progress?: (result: HashResult) => void;
  readonly resolve: (result: HashResult) => void;
  readonly reject: (error: Error) => void;
}

/** Jobs that a worker has at hand beside the one it does: hides the way there and back. */
export const AHEAD = 3;

/** One worker, started at its first job; after a breakdown the next job starts a new one. */
export class HashThread {
  readonly #jobs = new Map<number, Job>();
  readonly #takeNext: () => Job | undefined;
  #worker: Worker | undefined;
  /** What the worker was told of last. */
  #memory: SharedArrayBuffer | undefined;

  constructor(takeNext: () => Job | undefined) {
    this.#takeNext = takeNext;
  }

  get load(): number {
    return this.#jobs.size;
  }

  warmUp(): void {
    this.#worker ??= this.#start();
  }

  post(job: Job): void {
    this.warmUp();
    const worker = this.#worker!;
    if (this.#jobs.size === 0) worker.ref();
    this.#jobs.set(job.request.id, job);
    const { request, memory } = job;
    worker.postMessage(memory === this.#memory ? request : { ...request, memory });
    this.#memory = memory;
  }

  /** Jobs fail only when the thread has ended: until then it may write to the files of theirs. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
    this.#failAll(closedError());
  }

  #start(): Worker {
    const file = import.meta.url.endsWith('.ts') ? './hash-worker.ts' : './hash-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), { stdin: false });
    worker.on('message', (result: HashResult) => this.#receive(result));
    worker.on('error', (error) => this.#lost(worker, error));
    worker.on('exit', () => this.#lost(worker, new Error('the thread ended')));
    worker.unref();
    this.#memory = undefined;
    return worker;
  }

  #receive(result: HashResult): void {
    const job = this.#jobs.get(result.id);
    if (result.kind === 'verified' && result.ok) {
      job?.progress?.(result);
      return;
    }
    this.#jobs.delete(result.id);
    const next = this.#takeNext();
    if (next !== undefined) this.post(next);
    else if (this.#jobs.size === 0) this.#worker?.unref();
    job?.resolve(result);
  }

  #lost(worker: Worker, cause: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#failAll(new HashError('worker-failed', 'a hash worker broke down', { cause }));
    for (let next = this.#takeNext(); next !== undefined; next = this.#takeNext()) {
      this.post(next);
      if (this.#jobs.size > AHEAD) break;
    }
  }

  #failAll(error: HashError): void {
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    for (const job of jobs) job.reject(error);
  }
}

export function closedError(): HashError {
  return new HashError('closed', 'the hasher has been closed');
}
