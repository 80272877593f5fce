import { Bitfield, type Timers } from '@pixtorrent/core';
import { describe, expect, it } from 'vitest';
import { Checkpointer } from './checkpointer.ts';
import { StorageError } from './errors.ts';
import type { Stamped } from './resume-file.ts';

interface Save {
  readonly pieces: number[];
  readonly final: boolean;
  finish(error?: Error): Promise<void>;
}

function setUp(options = {}) {
  let now = 0;
  const due: { at: number; callback: () => void; cancelled: boolean }[] = [];
  const timers: Timers = {
    after(delay, callback) {
      const timer = { at: now + delay, callback, cancelled: false };
      due.push(timer);
      return {
        cancel() {
          timer.cancelled = true;
        },
      };
    },
  };
  const saves: Save[] = [];
  const errors: Error[] = [];
  const resume = {
    save: (_: Stamped, pieces: Bitfield, final: boolean) =>
      new Promise<boolean>((resolve, reject) => {
        const finish = async (error?: Error) => {
          if (error) reject(error);
          else resolve(true);
          await new Promise((settled) => setImmediate(settled));
        };
        saves.push({ pieces: [...pieces], final, finish });
      }),
  };
  const storage = {} as Stamped;
  const checkpointer = new Checkpointer(
    { storage, resume, clock: { now: () => now }, timers, onError: (error) => errors.push(error) },
    new Bitfield(100),
    options,
  );
  const pass = (milliseconds: number) => {
    now += milliseconds;
    for (const timer of due.splice(0)) {
      if (timer.cancelled) continue;
      if (timer.at <= now) timer.callback();
      else due.push(timer);
    }
  };
  return { checkpointer, saves, errors, pass };
}

describe('Checkpointer', () => {
  it('records what was lost as it does what arrived', async () => {
    const { checkpointer, saves, pass } = setUp();
    void checkpointer.start();
    checkpointer.stored(1, 100);
    checkpointer.stored(2, 100);
    await saves[0]!.finish();
    pass(5000);
    await saves[1]!.finish();
    checkpointer.lost(1);
    checkpointer.lost(50);
    pass(5000);
    await saves[2]!.finish();
    pass(10_000);
    expect(saves.map(({ pieces }) => pieces)).toEqual([[], [1, 2], [2]]);
  });

  it('records what arrived, every five seconds while something arrives', async () => {
    const { checkpointer, saves, pass } = setUp();
    void checkpointer.start();
    await saves[0]!.finish();
    checkpointer.stored(3, 1000);
    checkpointer.stored(1, 1000);
    pass(4999);
    expect(saves).toHaveLength(1);
    pass(1);
    expect(saves[1]).toMatchObject({ pieces: [1, 3], final: false });
    await saves[1]!.finish();
    pass(100_000);
    expect(saves).toHaveLength(2);
  });

  it('records at once what arrives after a pause', async () => {
    const { checkpointer, saves, pass } = setUp();
    void checkpointer.start();
    await saves[0]!.finish();
    pass(60_000);
    checkpointer.stored(7, 1000);
    expect(saves[1]).toMatchObject({ pieces: [7] });
  });

  it('records earlier when much has arrived', async () => {
    const { checkpointer, saves } = setUp({ bytes: 5000 });
    void checkpointer.start();
    await saves[0]!.finish();
    for (let piece = 0; piece < 4; piece++) checkpointer.stored(piece, 1000);
    expect(saves).toHaveLength(1);
    checkpointer.stored(4, 1000);
    expect(saves[1]!.pieces).toEqual([0, 1, 2, 3, 4]);
  });

  it('makes one checkpoint at a time, however slow the disk is', async () => {
    const { checkpointer, saves, pass } = setUp({ bytes: 1000 });
    void checkpointer.start();
    checkpointer.stored(0, 5000);
    pass(20_000);
    checkpointer.stored(1, 5000);
    expect(saves).toHaveLength(1);
    await saves[0]!.finish();
    expect(saves).toHaveLength(2);
    expect(saves[1]!.pieces).toEqual([0, 1]);
  });

  it('goes on after a failed one, and says so', async () => {
    const { checkpointer, saves, errors, pass } = setUp();
    void checkpointer.start();
    await saves[0]!.finish(new StorageError('disk-full', '/x', 'no space'));
    expect(errors).toHaveLength(1);
    checkpointer.stored(0, 1000);
    pass(5000);
    expect(saves).toHaveLength(2);
  });

  it('ends with a final record, after the one that is being made', async () => {
    const { checkpointer, saves, pass } = setUp();
    void checkpointer.start();
    checkpointer.stored(5, 1000);
    let closed = false;
    const closing = checkpointer.close().then(() => {
      closed = true;
    });
    await saves[0]!.finish();
    expect(saves).toHaveLength(2);
    expect(saves[1]).toMatchObject({ pieces: [5], final: true });
    expect(closed).toBe(false);
    await saves[1]!.finish();
    await closing;
    pass(60_000);
    expect(saves).toHaveLength(2);
  });
});
