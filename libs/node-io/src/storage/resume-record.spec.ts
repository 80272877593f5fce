import { encode } from '@pixtorrent/bencode';
import { Bitfield } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { madeTorrent } from './fixtures/made-torrent.ts';
import { decodeRecord, encodeRecord, maxRecordLength, type ResumeRecord } from './resume-record.ts';

const { metainfo } = madeTorrent([{ length: 100 }, { length: 0 }, { length: 300 }], 16);

function record(): ResumeRecord {
  const pieces = new Bitfield(metainfo.pieceCount);
  for (const piece of [0, 3, 24]) pieces.add(piece);
  const stamps = [
    { size: 100, modified: 1_700_000_000_123_456_789n },
    { size: 0, modified: 5n },
    undefined,
    undefined,
  ];
  return { pieces, stamps, time: 1_700_000_001_000_000_000n, final: false };
}

describe('resume record', () => {
  it('comes back as it was written', () => {
    const bits = fc.array(fc.nat(metainfo.pieceCount - 1));
    const stamp = fc.option(
      fc.record({
        size: fc.nat(Number.MAX_SAFE_INTEGER),
        modified: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      }),
      { nil: undefined },
    );
    const stamps = fc.array(stamp, { minLength: 4, maxLength: 4 });
    const time = fc.bigInt({ min: 0n, max: 2n ** 62n });
    fc.assert(
      fc.property(bits, stamps, time, fc.boolean(), (set, stamps, time, final) => {
        const pieces = new Bitfield(metainfo.pieceCount);
        for (const piece of set) pieces.add(piece);
        const bytes = encodeRecord({ pieces, stamps, time, final }, metainfo.infoHash);
        expect(bytes.length).toBeLessThanOrEqual(maxRecordLength(metainfo));
        const back = decodeRecord(bytes, metainfo)!;
        expect([...back.pieces]).toEqual([...pieces]);
        expect(back).toMatchObject({ stamps, time, final });
      }),
      { numRuns: 1000 },
    );
  });

  it('is not trusted when it was cut anywhere', () => {
    const bytes = encodeRecord(record(), metainfo.infoHash);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeRecord(bytes.subarray(0, length), metainfo)).toBeUndefined();
      const zeroed = Buffer.from(bytes).fill(0, length);
      expect(decodeRecord(zeroed, metainfo)).toBeUndefined();
    }
    expect(decodeRecord(Buffer.concat([bytes, Buffer.from('x')]), metainfo)).toBeUndefined();
  });

  it('is not trusted when any of its bits is wrong', () => {
    const bytes = encodeRecord(record(), metainfo.infoHash);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >>> 3]! ^= 1 << (bit & 7);
      expect(decodeRecord(damaged, metainfo)).toBeUndefined();
    }
  });

  it('is not trusted for another torrent, or another number of pieces or files', () => {
    const bytes = encodeRecord(record(), metainfo.infoHash);
    const other = madeTorrent([{ length: 100 }, { length: 0 }, { length: 300 }], 16, 2).metainfo;
    expect(decodeRecord(bytes, other)).toBeUndefined();
    expect(decodeRecord(bytes, { ...metainfo, pieceCount: metainfo.pieceCount + 10 })).toBeUndefined();
    expect(decodeRecord(bytes, { ...metainfo, files: metainfo.files.slice(1) })).toBeUndefined();
  });

  it('takes arbitrary bytes for what they are', () => {
    const bytes = encodeRecord(record(), metainfo.infoHash);
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc
        .string({ maxLength: 200, unit: fc.constantFrom('d', 'l', 'i', 'e', '1', '9', ':', '-', 'a') })
        .map(Buffer.from),
      fc
        .tuple(fc.nat(bytes.length - 1), fc.uint8Array({ minLength: 1, maxLength: 40 }))
        .map(([at, patch]) =>
          Buffer.concat([bytes.subarray(0, at), patch, bytes.subarray(at + patch.length)]),
        )
        .filter((patched) => !patched.equals(bytes)),
    );
    fc.assert(
      fc.property(garbage, (bytes) => {
        expect(decodeRecord(bytes, metainfo)).toBeUndefined();
      }),
      { numRuns: 10_000 },
    );
    for (const hostile of [
      Buffer.from('d'.repeat(100_000)),
      Buffer.from('99999999999999:x'),
      encode({ body: 'x', format: 'pixtorrent resume 1', sha256: Buffer.alloc(32) }),
    ]) {
      expect(decodeRecord(hostile, metainfo)).toBeUndefined();
    }
  });
});
