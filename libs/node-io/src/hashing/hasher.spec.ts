import { createHash, randomFillSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { Hasher } from './hasher.ts';

const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function shared(length: number): Buffer {
  const bytes = Buffer.from(new SharedArrayBuffer(length));
  randomFillSync(bytes);
  return bytes;
}

const open: Hasher[] = [];
function hasher(workers: number): Hasher {
  const made = new Hasher({ workers });
  open.push(made);
  return made;
}
afterEach(async () => {
  for (const made of open.splice(0)) await made.close();
});

describe.each([0, 1, 2])('Hasher with %i workers', (workers) => {
  it('gives the SHA-1 of what it is given, more at once than it takes at once', async () => {
    const subject = hasher(workers);
    const pieces = Array.from({ length: 40 }, (_, index) => shared(64 * 1024 + index));
    const digests = await Promise.all(pieces.map((piece) => subject.sha1(piece)));
    expect(digests.map(hex)).toEqual(pieces.map(sha1));
  });

  it('hashes a part of the memory', async () => {
    const memory = shared(400_000);
    const part = memory.subarray(1000);
    expect(hex(await hasher(workers).sha1(part, 300_000))).toBe(sha1(memory.subarray(1000, 301_000)));
  });

  it('gives the SHA-1 of each block of 16 KiB, the last being shorter', async () => {
    const memory = shared(16 * 1024 * 10 + 5);
    const digests = await hasher(workers).fingerprint(memory);
    const blocks = Array.from({ length: 11 }, (_, block) =>
      memory.subarray(block * 16384, (block + 1) * 16384),
    );
    expect(hex(digests)).toBe(blocks.map(sha1).join(''));
  });

  it('hashes small and unshared memory too', async () => {
    const subject = hasher(workers);
    const unshared = Buffer.alloc(200_000, 7);
    expect(hex(await subject.sha1(unshared))).toBe(sha1(unshared));
    expect(hex(await subject.sha1(new Uint8Array()))).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709');
  });

  it('refuses work after it was closed', async () => {
    const subject = hasher(workers);
    await subject.sha1(shared(200_000));
    await subject.close();
    await expect(subject.sha1(shared(200_000))).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('Hasher', () => {
  it('fails what it had not finished when it was closed', async () => {
    const subject = hasher(1);
    const jobs = Array.from({ length: 30 }, () => subject.sha1(shared(1024 * 1024)));
    const outcomes = Promise.allSettled(jobs);
    await subject.close();
    const rejected = (await outcomes).filter((outcome) => outcome.status === 'rejected');
    expect(rejected.length).toBeGreaterThan(0);
    for (const { reason } of rejected) expect(reason).toMatchObject({ code: 'closed' });
  });

  it('fails the work of a thread that broke down, and goes on with a new one', async () => {
    const subject = hasher(1);
    const memory = shared(200_000);
    // A step that cannot be divided by makes the worker throw, as a broken one would.
    const lost = subject.digests(memory, memory.length, 1n as unknown as number);
    const behind = Array.from({ length: 20 }, () => subject.sha1(memory));
    const outcomes = await Promise.allSettled([lost, ...behind]);
    expect(outcomes[0]).toMatchObject({ reason: { code: 'worker-failed' } });
    expect(outcomes.at(-1)).toMatchObject({ status: 'fulfilled' });
    expect(hex(await subject.sha1(memory))).toBe(sha1(memory));
  });
});
