import { Bitfield } from '@pixtorrent/core';
import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK, type PieceIoOptions, VirtualPieceIo } from './virtual-piece-io.ts';
import { VirtualTime } from './virtual-time.ts';

const SHAPE = { pieceCount: 3, pieceLength: 4 * BLOCK, length: 8 * BLOCK + 100 };

describe('VirtualPieceIo', () => {
  let time: VirtualTime;
  let answers: string[];

  beforeEach(() => {
    time = new VirtualTime();
    answers = [];
  });

  function disk(options: PieceIoOptions = {}, have: number[] = []): VirtualPieceIo {
    const field = new Bitfield(3);
    for (const piece of have) field.add(piece);
    const io = new VirtualPieceIo(time, SHAPE, field, 7, () => true, options);
    io.client = {
      pieceVerified: (piece, ok) => answers.push(`${time.now()} verified ${piece} ${ok}`),
      pieceStored: (piece) => answers.push(`${time.now()} stored ${piece}`),
      pieceFingerprinted: (piece, digests) => answers.push(`${piece}: ${digests.join(' ')}`),
    };
    return io;
  }

  function land(io: VirtualPieceIo, piece: number, offset: number, length: number, tags?: Int32Array): void {
    io.landingBegins(piece);
    io.landed(piece, offset, length, tags);
  }

  it('verifies and stores what has landed whole, at the rate of the machine', () => {
    const io = disk({ hashRate: 65_536_000, writeRate: 32_768_000 });
    io.reserve(0);
    land(io, 0, 0, BLOCK);
    land(io, 0, BLOCK, 3 * BLOCK);
    io.verify(0);
    time.run();
    io.store(0);
    time.run();
    expect(answers).toEqual(['1 verified 0 true', '3 stored 0']);
    expect([io.stored.has(0), io.slots, io.duplicateBytes]).toEqual([true, 0, 0]);
    expect(io.read(0, 0, BLOCK)).toBeUndefined();
  });

  it('fails a piece with a wrong block, and tells whose it is by fingerprints', () => {
    const liar = disk({ corrupts: (piece, block) => piece === 2 && block === 0 }, [2]);
    const io = disk();
    io.reserve(2);
    land(io, 2, 0, 100, liar.read(2, 0, 100));
    io.verify(2);
    io.fingerprint(2);
    time.run();
    land(io, 2, 0, 100);
    io.fingerprint(2);
    io.verify(2);
    time.run();
    expect(answers.map((line) => line.replace(/^[\d.]+ /, ''))).toEqual([
      'verified 2 false',
      '2: 2.0.7',
      '2: 2.0.0',
      'verified 2 true',
    ]);
    expect(io.duplicateBytes).toBe(100);
  });

  it('has memory for so many pieces and no more', () => {
    const io = disk({ slots: 2 });
    expect([io.reserve(0), io.reserve(1), io.reserve(2)]).toEqual([true, true, false]);
    io.release(0);
    expect(io.reserve(2)).toBe(true);
    expect(io.peakSlots).toBe(2);
  });

  it('refuses what would spoil a real disk', () => {
    const io = disk({}, [1]);
    expect(() => io.reserve(1)).toThrow(/stored/);
    expect(() => io.verify(0)).toThrow(/no memory/);
    expect(() => io.read(0, 0, 1)).toThrow(/without having it/);
    io.reserve(0);
    expect(() => io.reserve(0)).toThrow(/twice/);
    land(io, 0, 0, 3 * BLOCK);
    expect(() => io.verify(0)).toThrow(/without block 3/);
    io.landingBegins(0);
    expect(() => io.release(0)).toThrow(/while a payload lands/);
    expect(() => io.verify(0)).toThrow(/while a payload lands/);
    io.landed(0, 3 * BLOCK, BLOCK, undefined);
    io.verify(0);
    expect(() => io.landingBegins(0)).toThrow(/while verifying/);
    expect(() => io.store(0)).toThrow(/while verifying/);
  });
});
