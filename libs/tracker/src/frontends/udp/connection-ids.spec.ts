import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionIds } from './connection-ids.ts';

const MINUTE = 60_000;
const V4 = Uint8Array.of(192, 0, 2, 1);

function packet(id: bigint): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(id);
  return bytes;
}

describe('connection IDs', () => {
  it('are HalfSipHash-2-4 of time and address, as its authors compute it', () => {
    const ids = new ConnectionIds(Uint32Array.of(0x03020100, 0x07060504));
    const bytes = Uint8Array.from({ length: 20 }, (_, i) => i);
    // The time slot is the first word of what is hashed: bytes 0 to 3 of the authors' messages.
    const now = 0x03020100 * MINUTE;
    const bytesOf = (id: bigint) => {
      const swapped = Buffer.alloc(8);
      swapped.writeUInt32LE(Number(id & 0xffffffffn), 0);
      swapped.writeUInt32LE(Number(id >> 32n), 4);
      return swapped.toString('hex');
    };
    expect(bytesOf(ids.of(bytes.subarray(4, 8), now))).toBe('edfee820bce4858c');
    expect(bytesOf(ids.of(bytes.subarray(4, 20), now))).toBe('1bf52b0a6feea7db');
  });

  it('are good for one minute at least and two at most', () => {
    const ids = new ConnectionIds();
    fc.assert(
      fc.property(fc.nat(1e9), fc.nat(3 * MINUTE), (given, age) => {
        const accepted = ids.accepts(packet(ids.of(V4, given)), V4, given + age);
        if (age <= MINUTE) expect(accepted).toBe(true);
        if (age >= 2 * MINUTE) expect(accepted).toBe(false);
      }),
    );
  });

  it('are good for one address, from one process, and cannot be guessed from others', () => {
    const ids = new ConnectionIds();
    const address = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(address, address, fc.nat(63), (one, other, bit) => {
        const id = ids.of(one, 0);
        expect(ids.accepts(packet(id), one, 0)).toBe(true);
        expect(ids.accepts(packet(id ^ (1n << BigInt(bit))), one, 0)).toBe(false);
        expect(new ConnectionIds().accepts(packet(id), one, 0)).toBe(false);
        if (Buffer.compare(one, other) !== 0) expect(ids.accepts(packet(id), other, 0)).toBe(false);
      }),
    );
  });
});
