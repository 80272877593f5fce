import { encode } from '@pixtorrent/bencode';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeMetadataMessage,
  encodeExtensionHandshake,
  encodeMetadataMessage,
  METADATA_PIECE_LENGTH,
  type MetadataMessage,
  parseExtensionHandshake,
} from './index.ts';

function mangled(bytes: Uint8Array, flips: readonly (readonly [number, number])[], cut: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (const [at, bit] of flips) copy[at % copy.length]! ^= 1 << bit;
  return copy.subarray(0, flips.length > 0 ? copy.length : cut % (copy.length + 1));
}

const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { maxLength: 4 });

describe('the extension handshake (BEP 10)', () => {
  const name = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom(...'abcdefgh_0123456789') });
  const handshake = fc.record(
    {
      ids: fc.dictionary(name, fc.integer({ min: 1, max: 255 }), { maxKeys: 8, noNullPrototype: true }),
      client: fc.string({ unit: fc.constantFrom(...'PixTorrent é/1.0'), maxLength: 60 }),
      port: fc.integer({ min: 1, max: 65_535 }),
      requestQueue: fc.integer({ min: 1, max: 65_536 }),
      uploadOnly: fc.boolean(),
      metadataSize: fc.integer({ min: 1, max: 2 ** 31 }),
    },
    { requiredKeys: ['ids'] },
  );

  it('comes back as it was', () => {
    fc.assert(
      fc.property(handshake, (said) => {
        const heard = parseExtensionHandshake(encodeExtensionHandshake(said))!;
        expect({ ...heard, ids: { ...heard.ids } }).toEqual(said);
      }),
      { numRuns: 2_000 },
    );
  });

  it('survives garbage, flipped bits and truncation', () => {
    fc.assert(
      fc.property(
        handshake,
        flips,
        fc.nat(),
        fc.uint8Array({ maxLength: 40 }),
        (said, flipped, cut, junk) => {
          for (const bytes of [mangled(encodeExtensionHandshake(said), flipped, cut), junk]) {
            const heard = parseExtensionHandshake(bytes);
            for (const id of Object.values(heard?.ids ?? {}))
              expect(id).toSatisfy((n: number) => n > 0 && n < 256);
          }
        },
      ),
      { numRuns: 8_000 },
    );
  });

  it('takes values of the wrong kind as missing', () => {
    const bytes = encode({
      m: { a: 0, b: 256, c: 'x', d: 7 },
      p: 70_000,
      reqq: -1,
      v: 3,
      upload_only: 'yes',
    });
    expect({ ...parseExtensionHandshake(bytes) }).toEqual({
      ids: Object.assign(Object.create(null), { d: 7 }),
    });
  });

  it('takes no name as anything but a name', () => {
    const bytes = encode({ m: new Map([['__proto__', 5]]) });
    const { ids } = parseExtensionHandshake(bytes)!;
    expect(Object.getPrototypeOf(ids)).toBeNull();
    expect(Object.entries(ids)).toEqual([['__proto__', 5]]);
  });

  it('bounds how many names it keeps, and takes control characters out of the client', () => {
    const names = new Map(Array.from({ length: 1_000 }, (_, i) => [`x${i}`, 1] as const));
    const heard = parseExtensionHandshake(encode({ m: names, v: 'a\u001b[2J' }))!;
    expect(Object.keys(heard.ids).length).toBe(64);
    expect(heard.client).toBe('a\ufffd[2J');
  });

  it('refuses what is nested deeper than any real handshake', () => {
    expect(parseExtensionHandshake(Buffer.from(`${'l'.repeat(60_000)}`))).toBeUndefined();
    expect(parseExtensionHandshake(Buffer.from('le'))).toBeUndefined();
  });
});

describe('ut_metadata (BEP 9)', () => {
  const message: fc.Arbitrary<MetadataMessage> = fc.oneof(
    fc.record({ type: fc.constantFrom('request' as const, 'reject' as const), piece: fc.nat(2_000) }),
    fc.uint8Array({ minLength: 1, maxLength: 300 }).chain((data) =>
      fc.nat(3).map((piece) => ({
        type: 'data' as const,
        piece,
        totalSize: piece * METADATA_PIECE_LENGTH + data.length,
        data,
      })),
    ),
  );

  it('comes back as it was', () => {
    fc.assert(
      fc.property(message, (said) => {
        const heard = decodeMetadataMessage(encodeMetadataMessage(said))!;
        expect('data' in heard ? { ...heard, data: Uint8Array.from(heard.data) } : heard).toEqual(said);
      }),
      { numRuns: 2_000 },
    );
  });

  it('survives garbage, flipped bits and truncation', () => {
    fc.assert(
      fc.property(message, flips, fc.nat(), fc.uint8Array({ maxLength: 60 }), (said, flipped, cut, junk) => {
        for (const bytes of [mangled(encodeMetadataMessage(said), flipped, cut), junk]) {
          const heard = decodeMetadataMessage(bytes);
          if (heard?.type !== 'data') continue;
          expect(heard.data.length).toBeLessThanOrEqual(METADATA_PIECE_LENGTH);
          expect(heard.piece * METADATA_PIECE_LENGTH + heard.data.length).toBeLessThanOrEqual(
            heard.totalSize,
          );
        }
      }),
      { numRuns: 8_000 },
    );
  });

  it.each([
    ['a part of another size', { msg_type: 1, piece: 0, total_size: 100 }, 99],
    ['a part past the end', { msg_type: 1, piece: 1, total_size: 100 }, 0],
    ['a size that nobody would fetch', { msg_type: 1, piece: 0, total_size: 2 ** 40 }, METADATA_PIECE_LENGTH],
    ['a negative part', { msg_type: 0, piece: -1 }, 0],
    ['a type of the future', { msg_type: 3, piece: 0 }, 0],
  ])('refuses %s', (_what, head, length) => {
    expect(decodeMetadataMessage(Buffer.concat([encode(head), Buffer.alloc(length)]))).toBeUndefined();
  });
});
