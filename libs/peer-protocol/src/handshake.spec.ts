import { infoHash, peerId } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_LIMITS,
  encodeHandshake,
  type HandshakeExchange,
  InboundHandshake,
  OutboundHandshake,
  type WireName,
} from './index.ts';

const hash = infoHash(Buffer.alloc(20, 'h'));
const dialler = peerId(Buffer.from('-PX0100-dialler-----'));
const acceptor = peerId(Buffer.from('-PX0100-acceptor----'));
const shape = { pieceCount: 1, pieceLength: 16_384, length: 5 };

function inbound(): InboundHandshake {
  return new InboundHandshake((wanted) =>
    Buffer.compare(wanted, hash) === 0 ? { peerId: acceptor, shape } : undefined,
  );
}

function output(exchange: HandshakeExchange): Buffer {
  return Buffer.concat(exchange.takeOutput());
}

/** Our handshake with one byte put in. */
function hello(wire: WireName, at = 0, value?: number, id = dialler): Buffer {
  const bytes = Buffer.from(encodeHandshake(wire, hash, id, DEFAULT_LIMITS));
  if (value !== undefined) bytes[at] = value;
  return bytes;
}

describe.each<WireName>(['pixwire', 'bep3'])('a handshake over %s', (wire) => {
  it('tells both sides of each other, byte by byte', () => {
    const out = new OutboundHandshake(wire, hash, dialler);
    const into = inbound();
    for (const byte of output(out)) expect(into.receive(Buffer.of(byte))).toBe(1);
    const answer = output(into);
    expect(answer.length).toBe(68);
    for (const byte of answer) expect(out.receive(Buffer.of(byte))).toBe(1);
    const common = { wire, infoHash: hash, fast: true, extensions: true };
    expect(out.handshake).toMatchObject({ ...common, peerId: acceptor });
    expect(into.handshake).toMatchObject({ ...common, peerId: dialler });
    expect(into.torrent?.shape).toBe(shape);
  });

  it('leaves what follows to the decoder', () => {
    const into = inbound();
    expect(into.receive(Buffer.concat([hello(wire), Buffer.alloc(9)]))).toBe(68);
    expect(into.missing).toBe(0);
  });

  it('says nothing about a torrent that is not known', () => {
    const into = new InboundHandshake(() => undefined);
    expect(into.receive(hello(wire))).toMatchObject({ code: 'unknown-torrent' });
    expect(output(into).length).toBe(0);
  });

  it('recognises a connection to itself', () => {
    expect(inbound().receive(hello(wire, 0, undefined, acceptor))).toMatchObject({ code: 'bad-handshake' });
  });

  it('wants the torrent and the wire that were dialled', () => {
    const other = encodeHandshake(wire, infoHash(new Uint8Array(20)), acceptor, DEFAULT_LIMITS);
    expect(new OutboundHandshake(wire, hash, dialler).receive(other)).toMatchObject({
      code: 'unknown-torrent',
    });
    const otherWire = wire === 'bep3' ? 'pixwire' : 'bep3';
    expect(new OutboundHandshake(otherWire, hash, dialler).receive(hello(wire))).toMatchObject({
      code: 'bad-handshake',
    });
  });

  it('refuses the first byte that cannot be one', () => {
    expect(inbound().receive(Buffer.from('G'))).toMatchObject({ code: 'bad-handshake' });
    expect(inbound().receive(hello(wire, 3, 0).subarray(0, 4))).toMatchObject({ code: 'bad-handshake' });
  });

  it('survives flipped bits, truncation and garbage', () => {
    const flips = fc.array(fc.tuple(fc.nat(67), fc.nat(7)), { maxLength: 3 });
    fc.assert(
      fc.property(flips, fc.nat(68), fc.uint8Array({ maxLength: 70 }), (flipped, cut, junk) => {
        const bytes = hello(wire);
        for (const [at, bit] of flipped) bytes[at]! ^= 1 << bit;
        for (const exchange of [inbound(), new OutboundHandshake(wire, hash, dialler)]) {
          const taken = exchange.receive(bytes.subarray(0, cut));
          if (typeof taken === 'number') expect(taken).toBe(cut);
          expect(exchange.handshake !== undefined).toBe(taken === 68);
        }
        inbound().receive(junk);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a BEP 3 handshake', () => {
  it('is answered as soon as it names the torrent', () => {
    const into = inbound();
    expect(into.receive(hello('bep3').subarray(0, 48))).toBe(48);
    expect(output(into).length).toBe(68);
    expect(into.handshake).toBeUndefined();
    into.receive(hello('bep3').subarray(48));
    expect(into.handshake?.peerId).toEqual(dialler);
    expect(output(into).length).toBe(0);
  });

  it('may come without any extension', () => {
    const into = inbound();
    const bytes = hello('bep3');
    bytes.fill(0, 20, 28);
    into.receive(bytes);
    expect(into.handshake).toMatchObject({ fast: false, extensions: false, maxRequest: 16_384 });
  });
});

describe('a PixWire handshake', () => {
  it('settles on the lower version', () => {
    const into = inbound();
    into.receive(hello('pixwire', 4, 9));
    expect(into.handshake?.version).toBe(1);
  });

  it('says Goodbye where there is no common version', () => {
    const into = inbound();
    const bytes = hello('pixwire', 4, 9);
    bytes[5] = 2;
    expect(into.receive(bytes)).toMatchObject({ code: 'bad-version' });
    const answer = output(into);
    expect(answer.subarray(0, 4).toString()).toBe('PIXT');
    expect([answer[68], answer[73]]).toEqual([0x10, 1]);
  });

  it('ignores flags that it does not know', () => {
    expect(inbound().receive(hello('pixwire', 7, 0xff))).toBe(68);
  });

  it.each([
    ['a frame limit that is too low', 9, 0],
    ['a lowest version above the highest', 5, 2],
    ['an info hash of another kind', 40, 1],
  ])('refuses %s', (_what, at, value) => {
    const bytes = hello('pixwire', at, value);
    if (at === 9) bytes.fill(0, 8, 10);
    expect(inbound().receive(bytes)).toHaveProperty('code');
  });
});
