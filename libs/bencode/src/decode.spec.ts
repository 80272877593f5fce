import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecodeOptions, decode, decodePrefix } from './decode.ts';
import { encode } from './encode.ts';
import { BencodeError } from './errors.ts';
import { type BencodeValue, Dictionary } from './value.ts';

const ascii = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

function failure(bytes: Uint8Array | string, options?: DecodeOptions): string {
  try {
    decode(typeof bytes === 'string' ? ascii(bytes) : bytes, options);
  } catch (error) {
    if (error instanceof BencodeError) return `${error.code} ${error.offset}`;
    throw error;
  }
  return 'none';
}

/** Any value, dictionaries in sorted order as they are decoded. */
const anyValue = fc.letrec<{ value: BencodeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.uint8Array({ maxLength: 6 }).map(latin1), tie('value'), { maxKeys: 4 }).map((object) => {
      const keys = Object.keys(object).sort((a, b) => (a < b ? -1 : 1));
      return new Dictionary(keys.map((key) => [key, object[key]!]));
    }),
  ),
})).value;

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function plain(value: BencodeValue): unknown {
  if (value instanceof Dictionary) return [...value].map(([key, item]) => [key, plain(item)]);
  return Array.isArray(value) ? value.map(plain) : value;
}

describe('decode', () => {
  it('gives integers, byte strings, lists and dictionaries', () => {
    const value = decode(ascii('d1:ai-42e1:bl0:3:abcee'));
    expect(value).toBeInstanceOf(Dictionary);
    expect(plain(value)).toEqual([
      ['a', -42],
      ['b', [new Uint8Array(), ascii('abc')]],
    ]);
  });

  it('keeps every digit: a bigint where a number would not', () => {
    expect(decode(ascii('i9007199254740991e'))).toBe(Number.MAX_SAFE_INTEGER);
    expect(decode(ascii('i-9007199254740991e'))).toBe(Number.MIN_SAFE_INTEGER);
    expect(decode(ascii('i9007199254740992e'))).toBe(9007199254740992n);
    expect(decode(ascii('i18446744073709551615e'))).toBe(18446744073709551615n);
  });

  it('gives views, also of bytes that begin inside a larger buffer', () => {
    const outer = ascii('xx3:abcxx');
    const value = decode(outer.subarray(2, 7)) as Uint8Array;
    outer[4] = 0x7a;
    expect(latin1(value)).toBe('zbc');
  });

  it.each([
    ['', 'truncated 0'],
    ['i', 'truncated 1'],
    ['i12', 'truncated 3'],
    ['4:abc', 'truncated 5'],
    ['l', 'truncated 1'],
    ['d1:a', 'truncated 4'],
    ['i1ei2e', 'trailing-bytes 3'],
    ['x', 'unexpected-byte 0'],
    ['lxe', 'unexpected-byte 1'],
    ['e', 'unexpected-byte 0'],
    ['-1:', 'unexpected-byte 0'],
    ['d1:ae', 'unexpected-byte 4'],
    ['ie', 'bad-integer 1'],
    ['i-e', 'bad-integer 2'],
    ['i-0e', 'bad-integer 1'],
    ['i00e', 'bad-integer 1'],
    ['i-01e', 'bad-integer 1'],
    ['i+1e', 'bad-integer 1'],
    ['i1.5e', 'bad-integer 2'],
    ['i 1e', 'bad-integer 1'],
    ['01:a', 'bad-length 0'],
    ['00:', 'bad-length 0'],
    ['1a', 'bad-length 1'],
    ['di1ei2ee', 'bad-key 1'],
    ['dlei2ee', 'bad-key 1'],
    ['d1:bi1e1:ai2ee', 'unsorted-keys 7'],
    ['d1:ai1e1:ai2ee', 'duplicate-key 7'],
    ['d2:aai1e1:bi2e2:aai3ee', 'duplicate-key 14'],
    ['99999999999999999999:', 'string-too-long 0'],
    ['i123456789012345678901e', 'integer-too-long 1'],
  ])('refuses %j: %s', (text, expected) => {
    expect(failure(text)).toBe(expected);
  });

  it('takes unsorted keys where asked to, duplicates never', () => {
    const value = decode(ascii('d1:bi1e1:ai2ee'), { unsortedKeys: 'accept' }) as Dictionary;
    expect([...value.keys()]).toEqual(['b', 'a']);
    expect(failure('d1:bi1e1:ai2e1:bi3ee', { unsortedKeys: 'accept' })).toBe('duplicate-key 13');
  });

  it('sorts keys as raw bytes', () => {
    expect(failure('d1:zi1e1:\xffi2ee')).toBe('none');
    expect(failure('d1:\xffi1e1:zi2ee')).toBe('unsorted-keys 7');
    expect(failure('d1:ai1e2:a\0i2ee')).toBe('none');
  });

  it('holds its limits, and takes what is exactly at them', () => {
    expect(failure('ll0:ee', { maxDepth: 2 })).toBe('none');
    expect(failure('lll0:eee', { maxDepth: 2 })).toBe('too-deep 2');
    expect(failure('l0:0:e', { maxItems: 3 })).toBe('none');
    expect(failure('l0:0:0:e', { maxItems: 3 })).toBe('too-many-items 5');
    expect(failure('i-123e', { maxIntegerDigits: 3 })).toBe('none');
    expect(failure('i1234e', { maxIntegerDigits: 3 })).toBe('integer-too-long 1');
    expect(failure('3:abc', { maxStringBytes: 3 })).toBe('none');
    expect(failure('4:abcd', { maxStringBytes: 3 })).toBe('string-too-long 0');
    expect(failure('d4:abcdi1ee', { maxStringBytes: 3 })).toBe('string-too-long 1');
    expect(failure('3:abc', { maxBytes: 5 })).toBe('none');
    expect(failure('3:abc', { maxBytes: 4 })).toBe('too-large 2');
    expect(failure('l1:a', { maxBytes: 4 })).toBe('too-large 4');
  });

  it('survives a million open lists and a length beyond all memory', () => {
    expect(failure('l'.repeat(1_000_000))).toBe('too-deep 32');
    expect(failure('d1:a'.repeat(1_000_000))).toBe('too-deep 128');
    expect(failure('9007199254740991:', { maxBytes: Number.MAX_SAFE_INTEGER })).toBe('too-large 17');
    expect(failure('900719925474099:', { maxBytes: Number.MAX_SAFE_INTEGER })).toBe('truncated 16');
  });

  it('treats __proto__ as any other key', () => {
    const value = decode(ascii('d9:__proto__d1:xi1eee')) as Dictionary;
    expect(value.dictionary('__proto__')?.integer('x')).toBe(1);
    expect(Object.getPrototypeOf(value)).toBe(Dictionary.prototype);
    expect(value.get('constructor')).toBeUndefined();
  });

  it('says where a dictionary stood', () => {
    const bytes = ascii('d1:ai1e4:infod1:xi1ee1:zi1ee');
    const info = (decode(bytes) as Dictionary).dictionary('info')!;
    expect(latin1(bytes.subarray(info.start, info.end))).toBe('d1:xi1ee');
  });
});

describe('decodePrefix', () => {
  it('ends where the value ends, whatever follows', () => {
    const { value, end } = decodePrefix(ascii('d8:msg_typei1ee\xff\xfe'));
    expect([(value as Dictionary).integer('msg_type'), end]).toEqual([1, 15]);
  });

  it('counts only the value towards maxBytes', () => {
    expect(decodePrefix(ascii('i1edata'), { maxBytes: 3 }).end).toBe(3);
  });
});

describe('Dictionary', () => {
  const dictionary = decode(
    ascii('d1:b3:abc1:dde1:ii7e1:lli1ee1:ni9007199254740993e1:t3:\xc3\xa4!e'),
  ) as Dictionary;

  it('gives a value under its type', () => {
    expect(latin1(dictionary.bytes('b')!)).toBe('abc');
    expect(dictionary.dictionary('d')?.size).toBe(0);
    expect(dictionary.integer('i')).toBe(7);
    expect(dictionary.list('l')).toEqual([1]);
    expect(dictionary.text('t')).toBe('ä!');
  });

  it('gives undefined for another type and for nothing', () => {
    for (const key of ['i', 'x']) {
      expect(dictionary.bytes(key)).toBeUndefined();
      expect(dictionary.text(key)).toBeUndefined();
      expect(dictionary.list(key)).toBeUndefined();
      expect(dictionary.dictionary(key)).toBeUndefined();
    }
    expect(dictionary.integer('b')).toBeUndefined();
    expect(dictionary.integer('n')).toBeUndefined();
  });
});

describe('any bytes', () => {
  const wide = { maxDepth: 64 };

  it('come back as they were encoded', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(plain(decode(encode(value), wide))).toEqual(plain(value));
      }),
      { numRuns: 3000 },
    );
  });

  it('cut anywhere are called truncated, as more may come', () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), (value, cut) => {
        const bytes = encode(value);
        const at = cut % bytes.length;
        expect(failure(bytes.subarray(0, at), wide)).toBe(`truncated ${at}`);
      }),
      { numRuns: 3000 },
    );
  });

  /** Strictness in one sentence: what is accepted is the one encoding of what it means. */
  function acceptedOnlyWhenCanonical(bytes: Uint8Array): void {
    let value: BencodeValue;
    try {
      value = decode(bytes, wide);
    } catch (error) {
      if (!(error instanceof BencodeError)) throw error;
      if (error.offset < 0 || error.offset > bytes.length) throw new Error(`offset ${error.offset}`);
      return;
    }
    if (Buffer.compare(encode(value), bytes) !== 0) throw new Error(`not canonical: ${latin1(bytes)}`);
  }

  it('of no sense are refused by a BencodeError', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), acceptedOnlyWhenCanonical), { numRuns: 5000 });
  });

  it('made of the letters of bencode are taken in canonical form only', () => {
    const soup = fc.array(fc.constantFrom('d', 'l', 'i', 'e', '0', '1', '2', '-', ':', '1:a', '0:', 'i0e'), {
      maxLength: 24,
    });
    fc.assert(
      fc.property(soup, (tokens) => acceptedOnlyWhenCanonical(ascii(tokens.join('')))),
      { numRuns: 10_000 },
    );
  });

  it('with a flipped bit are refused, or canonical still', () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), fc.nat(7), (value, at, bit) => {
        const bytes = encode(value);
        bytes[at % bytes.length]! ^= 1 << bit;
        acceptedOnlyWhenCanonical(bytes);
      }),
      { numRuns: 5000 },
    );
  });
});
