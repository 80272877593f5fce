import { infoHash, peerId } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ControlPool,
  createCodec,
  DEFAULT_LIMITS,
  encodeHandshake,
  type GoodbyeReason,
  parseHandshake,
  ReceiveScratch,
  type TorrentShape,
  type WireCodec,
  type WireFault,
  type WireMessages,
  type WireName,
  type WireReceiver,
} from './index.ts';

const SHAPE: TorrentShape = { pieceCount: 13, pieceLength: 100_000, length: 12 * 100_000 + 70_001 };
const BIG = 65_536;
const scratch = new ReceiveScratch();
const pool = new ControlPool();

type Call = readonly [name: string, ...details: (number | string | readonly number[])[]];

/** Writes down what a decoder calls, and what landed of each block. */
class CallLog implements WireReceiver {
  readonly calls: Call[] = [];
  /** Blocks that began and neither ended nor were given up. */
  underWay = 0;
  #memory: Uint8Array | undefined;
  readonly #takes: (piece: number) => boolean;

  constructor(takes: (piece: number) => boolean = () => true) {
    this.#takes = takes;
  }

  choke = () => this.#add('choke');
  unchoke = () => this.#add('unchoke');
  interested = () => this.#add('interested');
  notInterested = () => this.#add('notInterested');
  have = (piece: number) => this.#add('have', piece);
  bitfield = (bits: Uint8Array) => this.#add('bitfield', [...bits]);
  haveAll = () => this.#add('haveAll');
  haveNone = () => this.#add('haveNone');
  request = (...range: [number, number, number]) => this.#add('request', ...range);
  cancel = (...range: [number, number, number]) => this.#add('cancel', ...range);
  reject = (...range: [number, number, number]) => this.#add('reject', ...range);
  extensionHandshake = (said: object) => this.#add('extensionHandshake', JSON.stringify(said));
  extended = (id: number, payload: Uint8Array) => this.#add('extended', id, [...payload]);
  goodbye = (reason: GoodbyeReason, text: string) => this.#add('goodbye', reason, text);
  terms = (window: number, maxRequest: number) => this.#add('terms', window, maxRequest);
  suggest = (piece: number) => this.#add('suggest', piece);
  allowedFast = (piece: number) => this.#add('allowedFast', piece);

  blockBegin(piece: number, offset: number, length: number): Uint8Array | undefined {
    if (!this.#takes(piece)) {
      this.#add('dropped', piece, offset, length);
      return undefined;
    }
    this.underWay++;
    this.#memory = new Uint8Array(length);
    return this.#memory;
  }

  blockEnd(piece: number, offset: number, length: number): void {
    this.underWay--;
    this.#add('block', piece, offset, length, digest(this.#memory!));
  }

  blockAbort(piece: number, offset: number, length: number): void {
    this.underWay--;
    this.#add('abort', piece, offset, length);
  }

  #add(...call: [string, ...(number | string | readonly number[])[]]): void {
    this.calls.push(call);
  }
}

/** Tells payloads apart without keeping them. */
function digest(bytes: Uint8Array): number {
  let sum = bytes.length;
  for (let i = 0; i < bytes.length; i += bytes.length > 4096 ? 61 : 1) sum = (sum * 31 + bytes[i]!) | 0;
  return sum;
}

function open(wire: WireName, receiver: WireReceiver, known = true): WireCodec {
  const id = peerId(new Uint8Array(20).fill(1));
  const handshake = parseHandshake(wire, encodeHandshake(wire, infoHash(id), id, DEFAULT_LIMITS));
  if ('code' in handshake) throw new Error(handshake.message);
  return createCodec({ handshake, shape: known ? SHAPE : undefined, receiver, scratch, pool });
}

/** Feeds bytes as a socket would that reads straight into memory, `sizes` at a time. */
function feedDirect(codec: WireCodec, bytes: Uint8Array, sizes: readonly number[]): WireFault | undefined {
  let fault: WireFault | undefined;
  for (let at = 0, turn = 0; at < bytes.length && !fault; turn++) {
    const target = codec.decoder.target();
    const count = Math.min(target.length, sizes[turn % sizes.length]!, bytes.length - at);
    target.set(bytes.subarray(at, at + count));
    at += count;
    fault = codec.decoder.landed(count);
  }
  return fault;
}

/** Feeds bytes in memory of their own, `sizes` at a time. */
function feedChunks(codec: WireCodec, bytes: Uint8Array, sizes: readonly number[]): WireFault | undefined {
  let fault: WireFault | undefined;
  for (let at = 0, turn = 0; at < bytes.length && !fault; turn++) {
    const end = Math.min(at + sizes[turn % sizes.length]!, bytes.length);
    const chunk = Buffer.from(bytes.subarray(at, end));
    fault = codec.decoder.receive(chunk);
    chunk.fill(0xee);
    at = end;
  }
  return fault;
}

type Step = (out: WireMessages & { block(piece: number, offset: number, bytes: Uint8Array): void }) => void;

const piece = fc.nat(SHAPE.pieceCount - 1);
const range = fc
  .tuple(piece, fc.nat(60_000), fc.integer({ min: 1, max: 10_000 }))
  .map((values) => values as [number, number, number]);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom('choke' as const, 'unchoke' as const, 'interested' as const, 'notInterested' as const).map(
    (name): Step =>
      (out) =>
        out[name](),
  ),
  piece.map(
    (index): Step =>
      (out) =>
        out.have(index),
  ),
  fc.tuple(fc.constantFrom('request' as const, 'cancel' as const, 'reject' as const), range).map(
    ([name, values]): Step =>
      (out) =>
        out[name](...values),
  ),
  fc.tuple(range, fc.nat(255)).map(([[index, offset, length], fill]): Step => {
    return (out) => out.block(index, offset, new Uint8Array((length % 700) + 1).fill(fill));
  }),
  fc.tuple(fc.integer({ min: 1, max: 255 }), fc.uint8Array({ maxLength: 60 })).map(
    ([id, payload]): Step =>
      (out) =>
        out.extended(id, payload),
  ),
);
const opening: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>((out) => out.haveAll()),
  fc.constant<Step>((out) => out.haveNone()),
  fc.tuple(fc.nat(255), fc.nat(31)).map(
    ([a, b]): Step =>
      (out) =>
        out.bitfield(Uint8Array.of(a, b << 3)),
  ),
);
const steps = fc
  .tuple(opening, fc.array(anyStep, { maxLength: 25 }))
  .map(([first, rest]) => [first, ...rest]);
const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5_000 })), {
  minLength: 1,
  maxLength: 8,
});

/** What an encoder makes of the steps, and what a receiver without any bytes between would have been told. */
function encode(wire: WireName, run: readonly Step[]): { bytes: Buffer; calls: Call[] } {
  const { encoder } = open(wire, new CallLog());
  const log = new CallLog();
  const lease = { release() {} };
  const direct = {
    block(index: number, offset: number, bytes: Uint8Array) {
      log.blockBegin(index, offset, bytes.length)!.set(bytes);
      log.blockEnd(index, offset, bytes.length);
    },
    interested() {
      if (wire === 'pixwire') log.terms(DEFAULT_LIMITS.requestWindow, DEFAULT_LIMITS.maxRequest);
      log.interested();
    },
  };
  for (const step of run) {
    step({ ...methods(log), ...direct });
    step({
      ...methods(encoder),
      block: (index, offset, bytes) => encoder.block(index, offset, bytes, lease),
    });
  }
  const batch = encoder.drain()!;
  const bytes = Buffer.concat(batch.buffers);
  expect(bytes.length).toBe(batch.bytes);
  batch.release();
  return { bytes, calls: log.calls };
}

function methods(target: WireMessages): WireMessages {
  return {
    choke: () => target.choke(),
    unchoke: () => target.unchoke(),
    interested: () => target.interested(),
    notInterested: () => target.notInterested(),
    have: (index) => target.have(index),
    bitfield: (bits) => target.bitfield(bits),
    haveAll: () => target.haveAll(),
    haveNone: () => target.haveNone(),
    request: (...values) => target.request(...values),
    cancel: (...values) => target.cancel(...values),
    reject: (...values) => target.reject(...values),
    extensionHandshake: (said) => target.extensionHandshake(said),
    extended: (id, payload) => target.extended(id, payload),
    goodbye: (reason, text) => target.goodbye(reason, text),
  };
}

/** Whatever the bytes are, each way of feeding them tells the receiver the same, and blocks end or are given up. */
function sameByAnyFeeding(wire: WireName, bytes: Uint8Array, parts: readonly number[]): CallLog {
  const takes = (index: number) => index !== 3;
  const logs = [new CallLog(takes), new CallLog(takes), new CallLog(takes)];
  const codecs = logs.map((log) => open(wire, log));
  const faults = [
    feedDirect(codecs[0]!, bytes, parts),
    feedChunks(codecs[1]!, bytes, parts),
    feedChunks(codecs[2]!, bytes, [bytes.length || 1]),
  ];
  for (const { decoder } of codecs) decoder.end();
  for (let i = 0; i < 3; i++) {
    expect(faults[i]).toEqual(faults[0]);
    expect(logs[i]!.calls).toEqual(logs[0]!.calls);
    expect(logs[i]!.underWay).toBe(0);
    expect(codecs[i]!.decoder.payloadIn).toBe(codecs[0]!.decoder.payloadIn);
  }
  return logs[0]!;
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** A message by hand: its id, the length that it claims, and what follows. */
function message(wire: WireName, id: number, length: number, payload: ArrayLike<number> = []): Buffer {
  const head = wire === 'pixwire' ? [id, ...u32(length)] : [...u32(length + 1), id];
  return Buffer.from([...head, ...Array.from(payload)]);
}

describe.each<WireName>(['pixwire', 'bep3'])('the codec of %s', (wire) => {
  it('delivers what was sent, in order, however the bytes are split', () => {
    fc.assert(
      fc.property(steps, sizes, (run, parts) => {
        const { bytes, calls } = encode(wire, run);
        for (const feed of [feedDirect, feedChunks]) {
          const log = new CallLog();
          const codec = open(wire, log);
          expect(feed(codec, bytes, parts)).toBeUndefined();
          expect(log.calls).toEqual(calls);
          expect(codec.decoder.bytesIn).toBe(bytes.length);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('survives garbage, and makes the same of it however it is split', () => {
    const id = fc.oneof(fc.nat(21), fc.nat(255));
    const length = fc.oneof(fc.nat(30), fc.constantFrom(0x7fffffff, 0xffffffff, 65_537, 4_194_313), fc.nat());
    const frame = fc
      .tuple(id, length, fc.uint8Array({ maxLength: 40 }))
      .map(([type, claimed, payload]) =>
        message(wire, type, claimed % 2 ? claimed : payload.length, payload),
      );
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc
        .tuple(opening, fc.array(frame, { maxLength: 4 }))
        .map(([first, frames]) => Buffer.concat([encode(wire, [first]).bytes, ...frames])),
    );
    fc.assert(
      fc.property(junk, sizes, (bytes, parts) => void sameByAnyFeeding(wire, bytes, parts)),
      { numRuns: 10_000 },
    );
  });

  it('survives flipped bits and truncation', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { maxLength: 3 });
    fc.assert(
      fc.property(steps, flips, fc.nat(), sizes, (run, flipped, cut, parts) => {
        const { bytes } = encode(wire, run);
        for (const [at, bit] of flipped) bytes[at % bytes.length]! ^= 1 << bit;
        sameByAnyFeeding(wire, bytes.subarray(0, flipped.length ? bytes.length : cut % bytes.length), parts);
      }),
      { numRuns: 5_000 },
    );
  });

  it('lets a long payload land in the memory of its piece, without going through the scratch', () => {
    const bytes = new Uint8Array(BIG + 5_000).map((_, at) => at * 7);
    const sent: Uint8Array[] = [];
    const { encoder } = open(wire, new CallLog());
    encoder.haveNone();
    encoder.block(2, 5, bytes, { release() {} });
    encoder.choke();
    const stream = Buffer.concat(encoder.drain()!.buffers);
    const memory = new Uint8Array(bytes.length);
    const log = new CallLog();
    const codec = open(
      wire,
      Object.assign(log, { blockBegin: () => memory, blockEnd: () => sent.push(memory) }),
    );
    let straight = 0;
    for (let at = 0; at < stream.length; ) {
      const target = codec.decoder.target();
      const count = Math.min(target.length, 3_000, stream.length - at);
      if (target.buffer === memory.buffer) straight += count;
      target.set(stream.subarray(at, at + count));
      expect(codec.decoder.landed(count)).toBeUndefined();
      at += count;
    }
    expect(Buffer.compare(memory, bytes)).toBe(0);
    expect(sent.length).toBe(1);
    expect(straight).toBeGreaterThan(BIG);
    expect(log.calls.at(-1)).toEqual(['choke']);
    expect(codec.decoder.payloadIn).toBe(bytes.length);
  });

  it('gives a block up when the connection ends within it, and writes to its memory no more', () => {
    const log = new CallLog();
    const codec = open(wire, log);
    const { bytes } = encode(wire, [(out) => out.haveNone(), (out) => out.block(1, 16, new Uint8Array(700))]);
    feedChunks(codec, bytes.subarray(0, -1), [9]);
    expect(log.underWay).toBe(1);
    codec.decoder.end();
    codec.decoder.end();
    expect(log.calls.at(-1)).toEqual(['abort', 1, 16, 700]);
    expect(codec.decoder.receive(bytes.subarray(-1))).toBeUndefined();
    expect(log.calls.filter(([name]) => name === 'block')).toEqual([]);
    expect(codec.decoder.target().buffer).toBe(scratch.whole.buffer);
  });

  it('stops in the middle of a read when the receiver ends the connection', () => {
    const log = new CallLog();
    const codec = open(wire, log);
    log.unchoke = () => codec.decoder.end();
    const run: Step[] = [(out) => out.haveAll(), (out) => out.unchoke(), (out) => out.have(1)];
    expect(codec.decoder.receive(encode(wire, run).bytes)).toBeUndefined();
    expect(log.calls).toEqual([['haveAll']]);
  });

  it('sets no memory aside for what a header promises', () => {
    const before = process.memoryUsage().arrayBuffers;
    const codecs = Array.from({ length: 2_000 }, () => open(wire, new CallLog()));
    const extended = wire === 'pixwire' ? 0x0f : 20;
    const start = encode(wire, [(out) => out.haveNone()]).bytes;
    for (const codec of codecs) {
      codec.decoder.receive(start);
      expect(codec.decoder.receive(message(wire, extended, 60_000, Buffer.alloc(100)))).toBeUndefined();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000 * 1_000);
  });

  it('skips what is about pieces while the torrent is not known', () => {
    const log = new CallLog();
    const codec = open(wire, log, false);
    const run: Step[] = [
      (out) => out.bitfield(Uint8Array.of(255, 0)),
      (out) => out.have(4),
      (out) => out.request(1, 0, 10),
      (out) => out.block(1, 0, new Uint8Array(600)),
      (out) => out.extended(7, Uint8Array.of(1)),
      (out) => out.unchoke(),
    ];
    expect(feedChunks(codec, encode(wire, run).bytes, [5])).toBeUndefined();
    expect(log.calls).toEqual([['extended', 7, [1]], ['unchoke']]);
  });

  const ids =
    wire === 'pixwire'
      ? { choke: 6, have: 4, bitfield: 5, request: 2, block: 3, haveAll: 0x0b, extended: 0x0f }
      : { choke: 0, have: 4, bitfield: 5, request: 6, block: 7, haveAll: 14, extended: 20 };
  const begun = () => encode(wire, [(out) => out.haveNone()]).bytes;
  const last = SHAPE.length - 12 * SHAPE.pieceLength;
  it.each<[WireFault['code'], string, () => Buffer]>([
    ['bad-length', 'a choke with a payload', () => message(wire, ids.choke, 1, [0])],
    ['bad-length', 'half an index', () => message(wire, ids.have, 2, [0, 0])],
    ['bad-range', 'a piece past the last', () => message(wire, ids.have, 4, u32(13))],
    [
      'bad-range',
      'a request past its piece',
      () => message(wire, ids.request, 12, [...u32(12), ...u32(1), ...u32(last)]),
    ],
    [
      'bad-range',
      'an empty request',
      () => message(wire, ids.request, 12, [...u32(1), ...u32(1), ...u32(0)]),
    ],
    [
      'bad-range',
      'an offset that wraps',
      () => message(wire, ids.request, 12, [...u32(1), ...u32(0xffffffff), ...u32(2)]),
    ],
    [
      'bad-range',
      'data past its piece',
      () => message(wire, ids.block, 10, [...u32(12), ...u32(last - 1), 1, 2]),
    ],
    ['bad-length', 'data without bytes', () => message(wire, ids.block, 8, [...u32(1), ...u32(0)])],
    ['frame-too-long', 'a block beyond every limit', () => message(wire, ids.block, 4_194_305 + 8)],
    ['frame-too-long', 'a long extension', () => message(wire, ids.extended, 65_537)],
    ['bad-extension', 'a handshake of noise', () => message(wire, ids.extended, 4, [0, 1, 2, 3])],
    [
      'out-of-order',
      'a second announcement',
      () => Buffer.concat([begun(), message(wire, ids.choke, 0), message(wire, ids.haveAll, 0)]),
    ],
  ])('calls it %s: %s', (code, _what, bytes) => {
    const fault = feedChunks(
      open(wire, new CallLog()),
      Buffer.concat([code === 'out-of-order' ? Buffer.alloc(0) : begun(), bytes()]),
      [7],
    );
    expect(fault?.code).toBe(code);
  });

  it.each([
    [[1, 2, 3], 'another size'],
    [[255, 255], 'bits past the end'],
  ])('refuses a bit field of %j: %s', (bits) => {
    expect(
      open(wire, new CallLog()).decoder.receive(message(wire, ids.bitfield, bits.length, bits))?.code,
    ).toBe('bad-bitfield');
  });
});

describe('a bit field that comes late', () => {
  it('breaks the rules of PixWire', () => {
    const bytes = Buffer.concat([
      encode('pixwire', [(out) => out.haveNone()]).bytes,
      message('pixwire', 0x05, 2, [0, 0]),
    ]);
    expect(open('pixwire', new CallLog()).decoder.receive(bytes)?.code).toBe('out-of-order');
  });

  it('is heard on BEP 3, where aria2 sends it instead of many Have messages', () => {
    const log = new CallLog();
    const bytes = Buffer.concat([message('bep3', 0, 0), message('bep3', 5, 2, [0x40, 0])]);
    expect(feedChunks(open('bep3', log), bytes, [3])).toBeUndefined();
    expect(log.calls).toEqual([['choke'], ['bitfield', [0x40, 0]]]);
  });
});

describe('PixWire frames', () => {
  it('answers a Ping by its own bytes', () => {
    const codec = open('pixwire', new CallLog());
    const opened = encode('pixwire', [(out) => out.haveNone()]).bytes;
    codec.decoder.receive(Buffer.concat([opened, message('pixwire', 0x0d, 8, [1, 2, 3, 4, 5, 6, 7, 8])]));
    const answer = Buffer.concat(codec.encoder.drain()!.buffers);
    expect(answer).toEqual(message('pixwire', 0x0e, 8, [1, 2, 3, 4, 5, 6, 7, 8]));
  });

  it('skips types that it does not know', () => {
    const log = new CallLog();
    const bytes = Buffer.concat([
      message('pixwire', 0x7f, 4, [1, 2, 3, 4]),
      encode('pixwire', [(out) => out.haveAll()]).bytes,
      message('pixwire', 0x11, 0),
      message('pixwire', 0x07, 0),
    ]);
    expect(feedChunks(open('pixwire', log), bytes, [3])).toBeUndefined();
    expect(log.calls).toEqual([['haveAll'], ['unchoke']]);
  });

  it('wants the pieces announced before anything else', () => {
    const fault = open('pixwire', new CallLog()).decoder.receive(message('pixwire', 0x07, 0));
    expect(fault?.code).toBe('out-of-order');
  });

  it('hears a Goodbye at any time, and one of an unknown reason as leaving', () => {
    const log = new CallLog();
    open('pixwire', log).decoder.receive(message('pixwire', 0x10, 3, [99, 0x68, 0x69]));
    expect(log.calls).toEqual([['goodbye', 0, 'hi']]);
  });

  it('keeps terms within bounds', () => {
    const log = new CallLog();
    const opened = encode('pixwire', [(out) => out.haveNone()]).bytes;
    const terms = message('pixwire', 0x01, 12, [...u32(0), ...u32(0), ...u32(0xffffffff)]);
    open('pixwire', log).decoder.receive(Buffer.concat([opened, terms]));
    expect(log.calls.slice(1)).toEqual([['terms', 16_384, 67_108_864], ['interested']]);
  });
});

describe('BEP 3 messages', () => {
  it('takes the length of the other queue from its extension handshake', () => {
    const log = new CallLog();
    const { encoder } = open('bep3', new CallLog());
    encoder.extensionHandshake({ ids: {}, requestQueue: 100 });
    open('bep3', log).decoder.receive(Buffer.concat(encoder.drain()!.buffers));
    expect(log.calls[0]).toEqual(['terms', 1_638_400, 16_384]);
  });

  it('skips keep-alives and messages of other extensions', () => {
    const log = new CallLog();
    const bytes = Buffer.concat([
      Buffer.alloc(8),
      message('bep3', 9, 2, [0x1a, 0xe1]),
      message('bep3', 200, 0),
      message('bep3', 13, 4, u32(2)),
      message('bep3', 17, 4, u32(3)),
    ]);
    expect(feedChunks(open('bep3', log), bytes, [3])).toBeUndefined();
    expect(log.calls).toEqual([
      ['suggest', 2],
      ['allowedFast', 3],
    ]);
  });
});
