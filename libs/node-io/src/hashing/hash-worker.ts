import { writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { digests } from './digest.ts';

/** A range of shared memory, and what is to be done with it. */
export type HashJob = HashTask & {
  readonly id: number;
  /** Missing where it is that of the job before: to be told of it costs a thread more than to hash 16 KiB. */
  readonly memory?: SharedArrayBuffer;
  readonly start: number;
  readonly length: number;
};

export type HashTask =
  /** The SHA-1 of each `step` bytes. */
  | { readonly kind: 'digest'; readonly step: number }
  /** Is the SHA-1 the expected one? Then write `target.length` bytes from `target.start` on to the open file. */
  | { readonly kind: 'write-verified'; readonly expected: Uint8Array; readonly target: WriteTarget };

/** A place in an open file, and the part of the range that goes there. Bytes. */
export interface WriteTarget {
  readonly fd: number;
  readonly position: number;
  readonly start: number;
  readonly length: number;
}

/**
 * Each job ends with one of these, but for `verified` with `ok`, which `written` or `refused` follows. Of what is written
 * sooner than said it is not sent: both of those say it too.
 */
export type HashResult = { readonly id: number } & (
  | { readonly kind: 'digests'; readonly digests: Uint8Array }
  | { readonly kind: 'verified'; readonly ok: boolean }
  | { readonly kind: 'written' }
  | { readonly kind: 'refused'; readonly code: string | undefined; readonly message: string }
);

/**
 * Bytes of one write. Linux gives the page cache of a larger write larger units of memory, which no processor keeps
 * at hand: with 1 MiB a GiB took 1.4 s of kernel time on a virtual machine that lends free memory to its host, with
 * 16 to 128 KiB 0.2 to 0.3 s (ADR 0008).
 */
const WRITE_STEP = 32 * 1024;

/** Bytes that are written in less time than a message takes both threads. */
const SOON = 128 * 1024;

let memory = new SharedArrayBuffer(0);

parentPort?.on('message', (job: HashJob) => {
  memory = job.memory ?? memory;
  const bytes = Buffer.from(memory, job.start, job.length);
  if (job.kind === 'digest') post({ id: job.id, kind: 'digests', digests: digests(bytes, job.step) });
  else writeVerified(job.id, bytes, job.expected, job.target);
});

function writeVerified(id: number, bytes: Buffer, expected: Uint8Array, target: WriteTarget): void {
  const ok = Buffer.compare(digests(bytes, bytes.length), expected) === 0;
  if (!ok || target.length > SOON) post({ id, kind: 'verified', ok });
  if (!ok) return;
  try {
    write(bytes, target);
    post({ id, kind: 'written' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    post({ id, kind: 'refused', code, message });
  }
}

function write(bytes: Buffer, { fd, position, start, length }: WriteTarget): void {
  for (let done = 0; done < length; ) {
    const step = Math.min(WRITE_STEP, length - done);
    done += writeSync(fd, bytes, start + done, step, position + done);
  }
}

function post(result: HashResult): void {
  parentPort?.postMessage(result);
}
