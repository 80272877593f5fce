import { parentPort } from 'node:worker_threads';
import { digests } from './digest.ts';

/** A range of shared memory, each `step` bytes of which are to be hashed. */
export interface HashJob {
  readonly id: number;
  readonly memory: SharedArrayBuffer;
  readonly start: number;
  readonly length: number;
  readonly step: number;
}

export interface HashResult {
  readonly id: number;
  readonly digests: Uint8Array;
}

parentPort?.on('message', (job: HashJob) => {
  const bytes = Buffer.from(job.memory, job.start, job.length);
  const result: HashResult = { id: job.id, digests: digests(bytes, job.step) };
  parentPort?.postMessage(result);
});
