import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIp, parseIp } from './ip-address.ts';

describe('IP addresses', () => {
  it('come back from their text', () => {
    const address = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc
        .array(fc.constantFrom(0, 0, 1, 255), { minLength: 16, maxLength: 16 })
        .map((b) => Uint8Array.from(b)),
    );
    fc.assert(
      fc.property(address, (bytes) => {
        const text = formatIp(bytes, 0, bytes.length as 4 | 16);
        expect(isIP(text)).not.toBe(0);
        const parsed = parseIp(text)!;
        expect(formatIp(parsed, 0, parsed.length as 4 | 16)).toBe(text);
        if (parsed.length === bytes.length) expect(parsed).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it('are what the system takes for one, without a zone', () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: fc.constantFrom('0', '1', 'f', ':', '::', '.', '255', '256'), maxLength: 16 }),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        expect(parseIp(candidate) !== undefined).toBe(isIP(candidate) !== 0);
      }),
      { numRuns: 10_000 },
    );
    expect(parseIp('fe80::1%eth0')).toBeUndefined();
    expect(parseIp(`${'0'.repeat(1000)}:1`)).toBeUndefined();
  });

  it('have one form for a host that is reached over both families', () => {
    expect(parseIp('::ffff:192.0.2.7')).toEqual(Uint8Array.of(192, 0, 2, 7));
    expect(parseIp('::FFFF:c000:207')).toEqual(Uint8Array.of(192, 0, 2, 7));
    expect(formatIp(Uint8Array.from([...Array(10).fill(0), 255, 255, 192, 0, 2, 7]), 0, 16)).toBe(
      '192.0.2.7',
    );
  });

  it('are written in the shortest form', () => {
    for (const text of ['::', '::1', '1::', '2001:db8::1:0:0:1', '2001:db8:0:1:1:1:1:1', 'fe80::a:b']) {
      expect(formatIp(parseIp(text)!, 0, 16)).toBe(text);
    }
  });
});
