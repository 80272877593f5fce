import { Worker } from 'node:worker_threads';
import { type CatalogDraft, CatalogError, type DraftInput, draftOf } from '@pixtorrent/catalog';
import { StatusError } from '@pixtorrent/service-kit';
import type { DraftJob, DraftResult } from './draft-worker.ts';

/** Bytes of a torrent that is read at once. Measured: 64 KiB of nothing but files take 20 to 26 ms, cold. */
const SMALL = 32 * 1024;
/** Torrents that wait or are read; each has at most 16 MiB. */
const MAX_JOBS = 16;
/** MiB. Measured: a torrent of 600,000 files, which is 16 MiB, takes between 512 and 1,024, and 2.5 s. */
const MAX_HEAP = 1024;
/** Milliseconds after which another attempt is worth it. */
const PAUSE = 1000;

export interface DraftReaderOptions {
  /**
   * MiB that reading may take; a torrent that takes more is refused.
   * @default 1,024
   */
  readonly maxHeap?: number;
}

interface Waiting {
  readonly input: DraftInput;
  readonly resolve: (draft: CatalogDraft) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Reads what is to be published. A large torrent can take seconds and much memory where it has very many files, or is
 * made to: that is a thread's, while announces are answered.
 */
export class DraftReader {
  readonly #waiting = new Map<number, Waiting>();
  readonly #maxHeap: number;
  #worker: Worker | undefined;
  #ids = 0;
  #closed = false;

  constructor(options: DraftReaderOptions = {}) {
    this.#maxHeap = options.maxHeap ?? MAX_HEAP;
  }

  /** Torrents that wait or are read. */
  get jobs(): number {
    return this.#waiting.size;
  }

  /** @throws CatalogError `invalid`; StatusError */
  async read(input: DraftInput): Promise<CatalogDraft> {
    if (input.torrent.length <= SMALL) return draftOf(input);
    if (this.#closed) throw goingAway();
    if (this.#waiting.size >= MAX_JOBS)
      throw new StatusError('RESOURCE_EXHAUSTED', 'too many torrents are published at the same time', {
        retryAfter: PAUSE,
      });
    return new Promise((resolve, reject) => {
      const job: DraftJob = { id: ++this.#ids, input };
      this.#waiting.set(job.id, { input, resolve, reject });
      this.#worker ??= this.#start();
      this.#worker.postMessage(job);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    this.#worker = undefined;
    this.#failAll(() => goingAway());
    await worker?.terminate();
  }

  #start(): Worker {
    const isSource = import.meta.url.endsWith('.ts');
    const file = new URL(isSource ? './draft-worker.ts' : './draft-worker.js', import.meta.url);
    const worker = new Worker(file, {
      stdin: false,
      resourceLimits: { maxOldGenerationSizeMb: this.#maxHeap },
      ...(isSource && { execArgv: ['--conditions=@pixtorrent/source'] }),
    });
    worker.on('message', (result: DraftResult) => this.#receive(result));
    worker.on('error', (error) => this.#lost(worker, error));
    worker.on('exit', () => this.#lost(worker, new Error('the thread ended')));
    // A service lives by what it listens on.
    worker.unref();
    return worker;
  }

  #receive(result: DraftResult): void {
    const waiting = this.#waiting.get(result.id);
    if (waiting === undefined) return;
    this.#waiting.delete(result.id);
    if ('draft' in result) waiting.resolve({ ...result.draft, torrent: waiting.input.torrent });
    else waiting.reject(new CatalogError('invalid', result.message, result.faults));
  }

  /** The first that waits is what broke the thread; the others are read by a new one. */
  #lost(worker: Worker, cause: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const [culprit, ...others] = this.#waiting;
    if (culprit === undefined) return;
    const [id, { reject }] = culprit;
    this.#waiting.delete(id);
    const outOfMemory = (cause as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
    const fault = { field: 'torrent', reason: 'takes too much memory to read' };
    reject(outOfMemory ? new CatalogError('invalid', `torrent: ${fault.reason}`, [fault]) : cause);
    if (others.length === 0) return;
    this.#worker = this.#start();
    for (const [other, { input }] of others) this.#worker.postMessage({ id: other, input });
  }

  #failAll(because: () => Error): void {
    for (const { reject } of this.#waiting.values()) reject(because());
    this.#waiting.clear();
  }
}

function goingAway(): StatusError {
  return new StatusError('UNAVAILABLE', 'this service is about to end: publish again, elsewhere', {
    retryAfter: 0,
  });
}
