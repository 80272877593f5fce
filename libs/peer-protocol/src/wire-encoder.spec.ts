import { describe, expect, it } from 'vitest';
import { Bep3Encoder, ControlPool, DEFAULT_LIMITS, PixWireEncoder, type WireEncoder } from './index.ts';

const shape = { pieceCount: 11, pieceLength: 1_000_000, length: 10_500_000 };
const pool = new ControlPool();
const lease = { release() {} };

function pixwire(peerMaxFrame = DEFAULT_LIMITS.maxFrame): PixWireEncoder {
  return new PixWireEncoder({ shape, pool, limits: DEFAULT_LIMITS, peerMaxFrame });
}

function bep3(fast: boolean): Bep3Encoder {
  return new Bep3Encoder({ shape, pool, fast, extensions: fast });
}

function sent(encoder: WireEncoder): Buffer {
  const batch = encoder.drain();
  return batch === undefined ? Buffer.alloc(0) : Buffer.concat(batch.buffers);
}

/** Type and length of each frame. */
function frames(bytes: Buffer): [number, number][] {
  const found: [number, number][] = [];
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt32BE(at + 1)) {
    found.push([bytes[at]!, bytes.readUInt32BE(at + 1)]);
  }
  return found;
}

describe('PixWireEncoder', () => {
  it('puts what follows each other into one frame, and only that', () => {
    const encoder = pixwire();
    encoder.request(1, 0, 10);
    encoder.request(2, 0, 10);
    encoder.have(3);
    encoder.have(4);
    encoder.unchoke();
    encoder.have(5);
    encoder.cancel(1, 0, 10);
    encoder.reject(1, 0, 10);
    expect(frames(sent(encoder))).toEqual([
      [2, 24],
      [4, 8],
      [7, 0],
      [4, 4],
      [9, 12],
      [10, 12],
    ]);
  });

  it('begins a new frame after what has been taken away', () => {
    const encoder = pixwire();
    encoder.have(1);
    expect(frames(sent(encoder))).toEqual([[4, 4]]);
    encoder.have(2);
    expect(frames(sent(encoder))).toEqual([[4, 4]]);
    expect(encoder.drain()).toBeUndefined();
  });

  it('keeps a list in bounded frames', () => {
    const encoder = pixwire();
    for (let i = 0; i < 10_000; i++) encoder.request(i % 11, 0, 1);
    const lengths = frames(sent(encoder)).map(([, length]) => length);
    expect(lengths.reduce((sum, length) => sum + length)).toBe(120_000);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1_024);
    expect(lengths.length).toBeLessThan(150);
  });

  it('answers a long request in parts that the other side accepts, and holds one lease', () => {
    const encoder = pixwire(65_536);
    const payload = Buffer.alloc(150_000, 9);
    let released = 0;
    encoder.block(3, 100, payload, { release: () => released++ });
    expect(encoder.pendingPayload).toBe(150_000);
    const batch = encoder.drain()!;
    expect(encoder.payloadOut).toBe(150_000);
    expect(encoder.bytesOut).toBe(150_000 + 3 * 13);
    const bytes = Buffer.concat(batch.buffers);
    expect(frames(bytes)).toEqual([
      [3, 65_536],
      [3, 65_536],
      [3, 150_000 - 2 * 65_528 + 8],
    ]);
    expect(bytes.readUInt32BE(65_541 + 9)).toBe(100 + 65_528);
    expect(released).toBe(0);
    batch.release();
    batch.release();
    expect(released).toBe(1);
  });

  it('passes payloads on where they lie', () => {
    const encoder = pixwire();
    const payload = new Uint8Array(16_384);
    encoder.block(0, 0, payload, lease);
    expect(encoder.drain()!.buffers[1]).toBe(payload);
  });

  it('cuts the text of a Goodbye to its bound', () => {
    const encoder = pixwire();
    encoder.goodbye(3, '\u20ac'.repeat(5_000));
    expect(frames(sent(encoder))[0]![1]).toBeLessThan(1_024);
  });
});

describe('Bep3Encoder', () => {
  it('says by older messages what the other side has no message for', () => {
    const encoder = bep3(false);
    encoder.haveAll();
    expect(sent(encoder)).toEqual(Buffer.from([0, 0, 0, 3, 5, 0xff, 0xe0]));
    encoder.haveNone();
    encoder.reject(0, 0, 1);
    encoder.extended(1, new Uint8Array(1));
    encoder.extensionHandshake({ ids: {} });
    encoder.goodbye();
    expect(encoder.drain()).toBeUndefined();
  });

  it('uses BEP 6 and BEP 10 where the other side has them', () => {
    const encoder = bep3(true);
    encoder.haveAll();
    encoder.reject(1, 2, 3);
    encoder.extended(4, Uint8Array.of(5));
    expect(sent(encoder).toString('hex')).toBe(
      `000000010e${'0000000d10000000010000000200000003'}${'00000003140405'}`,
    );
  });

  it('keeps a connection alive by four zeros', () => {
    const encoder = bep3(true);
    encoder.ping();
    expect(sent(encoder)).toEqual(Buffer.alloc(4));
  });
});
