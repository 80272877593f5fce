import { Bitfield } from '@pixtorrent/core';
import type { WireName } from '@pixtorrent/peer-protocol';
import { describe, expect, it } from 'vitest';
import { Trace } from './trace.ts';
import { VirtualNetwork } from './virtual-network.ts';
import { type PeerInbox, VirtualPeerLink } from './virtual-peer-link.ts';
import { BLOCK, VirtualPieceIo } from './virtual-piece-io.ts';
import { VirtualTime } from './virtual-time.ts';

const SHAPE = { pieceCount: 4, pieceLength: 64 * BLOCK, length: 256 * BLOCK };

/** An inbox that writes down what it is told. */
function inbox(log: string[], takes = true): PeerInbox {
  return new Proxy({} as PeerInbox, {
    get:
      (_, name) =>
      (...values: unknown[]) => {
        log.push([String(name), ...values.map((value) => JSON.stringify(value))].join(' '));
        return takes;
      },
  });
}

interface Side {
  readonly link: VirtualPeerLink;
  readonly io: VirtualPieceIo;
  readonly log: string[];
  readonly trace: Trace;
  readonly counters: { payloadSent: number; payloadReceived: number; payloadDropped: number };
}

/** A seeder (near) with a line of 1 MB/s, and a leecher (far). */
function connected(wire: WireName, takes = true): { time: VirtualTime; near: Side; far: Side } {
  const time = new VirtualTime();
  const network = new VirtualNetwork(time, { delay: 1 });
  let links = 0;
  const side = (all: boolean): Omit<Side, 'link'> & { open: (link: VirtualPeerLink) => void } => {
    const have = new Bitfield(4);
    if (all) have.fill();
    const log: string[] = [];
    const io = new VirtualPieceIo(time, SHAPE, have, 1, () => true, {
      corrupts: (piece) => all && piece === 3,
    });
    const counters = { payloadSent: 0, payloadReceived: 0, payloadDropped: 0 };
    return {
      io,
      log,
      trace: new Trace(),
      counters,
      open: (link) => {
        link.inbox = inbox(log, takes);
      },
    };
  };
  const near = { ...side(true), link: undefined as unknown as VirtualPeerLink };
  const far = { ...side(false), link: undefined as unknown as VirtualPeerLink };
  const open = (end: typeof near, socket: ConstructorParameters<typeof VirtualPeerLink>[1]): void => {
    const readFailed = (piece: number): void => {
      end.log.push(`readFailed ${piece}`);
    };
    const context = { time, pieces: end.io, trace: end.trace, counters: end.counters, readFailed };
    end.link = new VirtualPeerLink(context, socket, wire, ++links);
    end.open(end.link);
  };
  network.dial(
    network.host('a', { uplink: 1_000_000 }),
    network.host('b'),
    (socket) => open(far, socket),
    (socket) => open(near, socket),
    () => expect.fail(),
  );
  time.run({ when: () => near.link !== undefined });
  return { time, near, far };
}

describe('VirtualPeerLink', () => {
  it('carries every message of the wire in order', () => {
    const { time, near, far } = connected('pixwire');
    const { link } = near;
    link.haveNone();
    link.haveAll();
    link.bitfield(Uint8Array.of(0xa0));
    link.choke();
    link.unchoke();
    link.interested();
    link.notInterested();
    link.have(3);
    link.request(1, 2, 3);
    link.cancel(1, 2, 3);
    link.reject(1, 2, 3);
    link.extensionHandshake({ ids: { ut_metadata: 1 } });
    link.extended(1, Uint8Array.of(5));
    link.close('leaving', 0, 'bye');
    time.run();
    expect(far.log).toEqual([
      'haveNone',
      'haveAll',
      'bitfield {"0":160}',
      'choke',
      'unchoke',
      'interested',
      'notInterested',
      'have 3',
      'request 1 2 3',
      'cancel 1 2 3',
      'reject 1 2 3',
      'extensionHandshake {"ids":{"ut_metadata":1}}',
      'extended 1 {"0":5}',
      'goodbye 0 "bye"',
      'closed "remote-closed"',
    ]);
  });

  it('begins a block at its head and ends it at its last byte', () => {
    const { time, near, far } = connected('bep3');
    far.io.reserve(0);
    near.link.sendBlock(0, BLOCK, 62 * BLOCK);
    const start = time.now();
    time.run({ when: () => far.log.length === 1 });
    expect(time.now() - start).toBeLessThan(20);
    time.run({ when: () => far.log.length === 2 });
    expect(time.now() - start).toBeCloseTo((13 + 62 * BLOCK) / 1000 + 1, 6);
    expect(far.log).toEqual(['blockBegin 0 16384 1015808', 'blockEnd 0 16384 1015808']);
    time.run();
    expect(near.log).toEqual(['blockSent 1015808']);
    expect([near.counters.payloadSent, far.counters.payloadReceived]).toEqual([1_015_808, 1_015_808]);
  });

  it('tells of the room in the connection as it comes, not before', () => {
    const { time, near, far } = connected('pixwire');
    far.io.reserve(0);
    for (let block = 0; block < 32; block++) near.link.sendBlock(0, block * BLOCK, BLOCK);
    expect(near.log).toEqual([]);
    time.run({ until: time.now() });
    expect(near.log).toHaveLength(15);
    time.run({ until: time.now() + 200 });
    expect(near.log.length).toBeGreaterThanOrEqual(26);
    expect(near.log.length).toBeLessThanOrEqual(28);
    time.run();
    expect(near.log).toHaveLength(32);
    expect(far.log).toHaveLength(64);
  });

  it('aborts a block that a broken connection cuts, and frees its memory', () => {
    const { time, near, far } = connected('pixwire');
    far.io.reserve(0);
    near.link.sendBlock(0, 0, 60 * BLOCK);
    time.run({ until: 500 });
    far.link.cut();
    time.run();
    expect(far.log).toEqual(['blockBegin 0 0 983040', 'blockAbort 0 0 983040', 'closed "network-error"']);
    expect(near.log.at(-1)).toBe('closed "network-error"');
    far.io.release(0);
  });

  it('drops a payload that is not wanted', () => {
    const { time, near, far } = connected('pixwire', false);
    near.link.sendBlock(0, 0, BLOCK);
    time.run();
    expect(far.log).toEqual(['blockBegin 0 0 16384']);
    expect(far.counters.payloadDropped).toBe(BLOCK);
  });

  it('carries wrong content as wrong', () => {
    const { time, near, far } = connected('pixwire');
    far.io.reserve(3);
    near.link.sendBlock(3, 0, SHAPE.pieceLength);
    time.run();
    const verdicts: boolean[] = [];
    far.io.client = {
      pieceVerified: (_, ok) => verdicts.push(ok),
      pieceStored() {},
      pieceFingerprinted() {},
    };
    far.io.verify(3);
    time.run();
    expect(verdicts).toEqual([false]);
  });

  it('reports a piece that the disk has lost', () => {
    const { time, near } = connected('pixwire');
    near.io.lost.add(2);
    near.link.sendBlock(2, 0, BLOCK);
    expect(near.log).toEqual([]);
    time.run();
    expect(near.log).toEqual(['blockNotSent 2 0 16384', 'readFailed 2']);
  });

  it('leaves the same trace for the same run, and another for another', () => {
    const digest = (length: number): string => {
      const { time, near, far } = connected('pixwire');
      far.io.reserve(0);
      near.link.sendBlock(0, 0, length);
      time.run();
      return near.trace.digest() + far.trace.digest();
    };
    expect(digest(BLOCK)).toBe(digest(BLOCK));
    expect(digest(BLOCK)).not.toBe(digest(2 * BLOCK));
  });
});
