import { parentPort } from 'node:worker_threads';
import { blockDigests, sha1 } from './digest.ts';

/** Shared memory to hash: the whole of a range, or (`blocks`) each 16 KiB of it. */
export interface HashJob {
  readonly id: number;
  readonly memory: SharedArrayBuffer;
  readonly start: number;
  readonly length: number;
  readonly blocks: boolean;
}

export interface HashResult {
  readonly id: number;
  readonly digest: Uint8Array;
}

parentPort?.on('message', (job: HashJob) => {
  const bytes = Buffer.from(job.memory, job.start, job.length);
  const digest = job.blocks ? blockDigests(bytes) : sha1(bytes);
  const result: HashResult = { id: job.id, digest };
  parentPort?.postMessage(result);
});
