import { describe, expect, it } from 'vitest';
import { type Encodable, Encoded, encode } from './encode.ts';

const text = (value: Encodable) => Buffer.from(encode(value)).toString('latin1');

describe('encode', () => {
  it('writes integers of any size', () => {
    expect(text([0, -1, Number.MAX_SAFE_INTEGER, 2n ** 64n])).toBe(
      'li0ei-1ei9007199254740991ei18446744073709551616ee',
    );
  });

  it('writes strings as UTF-8 with their length in bytes', () => {
    expect(text('ä')).toBe('2:\xc3\xa4');
    expect(text('')).toBe('0:');
    expect(text(Uint8Array.of(0xff))).toBe('1:\xff');
  });

  it('sorts keys as raw bytes, whatever their order was', () => {
    expect(text({ b: 1, aa: 2, a: 3, '': 4, 10: 5, 9: 6 })).toBe('d0:i4e2:10i5e1:9i6e1:ai3e2:aai2e1:bi1ee');
    expect(
      text(
        new Map([
          ['\xff', 1],
          ['z', 2],
        ]),
      ),
    ).toBe('d1:zi2e1:\xffi1ee');
  });

  it('leaves out what is undefined', () => {
    expect(text({ a: undefined, b: [] })).toBe('d1:blee');
  });

  it('puts encoded bytes as they stand', () => {
    expect(text({ info: new Encoded(Buffer.from('d1:bi1e1:ai2ee')) })).toBe('d4:infod1:bi1e1:ai2eee');
  });

  it('writes __proto__ as any other key', () => {
    expect(text(new Map([['__proto__', 1]]))).toBe('d9:__proto__i1ee');
    expect(text(JSON.parse('{"__proto__":1}'))).toBe('d9:__proto__i1ee');
  });

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53)])(
    'refuses the number %s',
    (value) => {
      expect(() => encode({ a: [value] })).toThrow(RangeError);
    },
  );

  it('refuses a key that is not bytes', () => {
    expect(() => encode({ Ā: 1 })).toThrow(RangeError);
  });

  it('refuses a value that contains itself', () => {
    const list: Encodable[] = [];
    list.push(list);
    expect(() => encode(list)).toThrow(RangeError);
  });

  it('has memory of its own, exactly as large as the value', () => {
    const bytes = encode('abc');
    expect([bytes.byteOffset, bytes.buffer.byteLength]).toEqual([0, 5]);
  });
});
