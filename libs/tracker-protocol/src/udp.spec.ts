import { infoHash, peerId } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnnounceRequest } from './announce.ts';
import { encodeUdpAnnounce, encodeUdpConnect, encodeUdpScrape, parseUdpAnswer } from './udp-client.ts';
import { UDP_MAX_SCRAPE } from './udp-packets.ts';
import {
  encodeUdpAnnounceAnswer,
  encodeUdpConnectAnswer,
  encodeUdpError,
  encodeUdpScrapeAnswer,
  parseUdpRequest,
} from './udp-server.ts';

const id = fc.uint8Array({ minLength: 20, maxLength: 20 });
const uint32 = fc.nat(0xffffffff);
const connection = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const requests: fc.Arbitrary<AnnounceRequest> = fc.record(
  {
    infoHash: id.map(infoHash),
    peerId: id.map(peerId),
    port: fc.integer({ min: 1, max: 65535 }),
    uploaded: fc.maxSafeNat(),
    downloaded: fc.maxSafeNat(),
    left: fc.maxSafeNat(),
    key: uint32,
    event: fc.constantFrom('started', 'completed', 'stopped'),
    numWant: fc.nat(2 ** 31 - 1),
    ip: fc.ipV4().filter((ip) => ip !== '0.0.0.0'),
  },
  { requiredKeys: ['infoHash', 'peerId', 'port', 'uploaded', 'downloaded', 'left', 'key'] },
);

const HASH = infoHash(new Uint8Array(20).fill(1));
const REQUEST: AnnounceRequest = {
  infoHash: HASH,
  peerId: peerId(new Uint8Array(20).fill(2)),
  port: 6881,
  uploaded: 1,
  downloaded: 2,
  left: 3,
};

describe('UDP packets', () => {
  it('mean the same to the tracker as to the client', () => {
    fc.assert(
      fc.property(connection, uint32, requests, (conn, transaction, request) => {
        expect(parseUdpRequest(encodeUdpConnect(transaction))).toEqual({ type: 'connect', transaction });
        const announce = encodeUdpAnnounce(conn, transaction, request);
        const read = { type: 'announce', transaction, connection: conn, request };
        expect(parseUdpRequest(announce)).toEqual(read);
        const options = Buffer.from('\u0001\u0002\u0002/x\u0001\u0002\u0003/ab\u0000\u0002\u0002/y');
        const withOptions = parseUdpRequest(Buffer.concat([announce, options]));
        expect(withOptions).toEqual({ ...read, urlData: '/x/ab' });
        const url = `/key/announce?${'x'.repeat(transaction % 900)}`;
        const withUrl = encodeUdpAnnounce(conn, transaction, request, url);
        expect(parseUdpRequest(withUrl)).toEqual({ ...read, urlData: url });
        const answer = encodeUdpConnectAnswer(transaction, conn);
        expect(parseUdpAnswer(answer, 4)).toEqual({ type: 'connect', transaction, connection: conn });
      }),
      { numRuns: 2000 },
    );
  });

  it('lay an announce out as BEP 15 does', () => {
    const packet = Buffer.from(
      encodeUdpAnnounce(0x0102030405060708n, 0xaabbccdd, { ...REQUEST, event: 'started' }),
    );
    expect(packet.length).toBe(98);
    expect(packet.toString('hex')).toBe(
      `0102030405060708${'00000001'}aabbccdd${'01'.repeat(20)}${'02'.repeat(20)}0000000000000002` +
        `000000000000000300000000000000010000000200000000${'00000000'}ffffffff1ae1`,
    );
    expect(Buffer.from(encodeUdpConnect(5)).toString('hex')).toBe('00000417271019800000000000000005');
  });

  it('carry peers of the family that was asked over', () => {
    const v4 = Uint8Array.of(192, 0, 2, 1, 0x1a, 0xe1);
    const v6 = Uint8Array.of(...Buffer.from('20010db8000000000000000000000001', 'hex'), 0x1a, 0xe1);
    const peers = { v4, v6, ids: new Uint8Array(0), traits: new Uint8Array(0) };
    const answer = { interval: 120, minInterval: 10, seeders: 3, leechers: 4, peers };
    const response = { interval: 120, seeders: 3, leechers: 4 };
    expect(parseUdpAnswer(encodeUdpAnnounceAnswer(7, answer, 4), 4)).toEqual({
      type: 'announce',
      transaction: 7,
      response: { ...response, peers: [{ host: '192.0.2.1', port: 6881 }] },
    });
    expect(parseUdpAnswer(encodeUdpAnnounceAnswer(7, answer, 16), 16)).toEqual({
      type: 'announce',
      transaction: 7,
      response: { ...response, peers: [{ host: '2001:db8::1', port: 6881 }] },
    });
  });

  it('scrape, and say no', () => {
    const entries = [{ seeders: 1, leechers: 2, completed: 3 }, undefined];
    expect(parseUdpAnswer(encodeUdpScrapeAnswer(9, entries), 4)).toEqual({
      type: 'scrape',
      transaction: 9,
      entries: [entries[0], { seeders: 0, leechers: 0, completed: 0 }],
    });
    const question = encodeUdpScrape(5n, 9, [HASH, HASH]);
    expect(parseUdpRequest(question)).toEqual({
      type: 'scrape',
      transaction: 9,
      connection: 5n,
      infoHashes: [HASH, HASH],
    });
    expect(() => encodeUdpScrape(5n, 9, Array(UDP_MAX_SCRAPE + 1).fill(HASH))).toThrow(RangeError);
    const error = parseUdpAnswer(encodeUdpError(9, 'go\u0007 away'), 4);
    expect(error).toMatchObject({ type: 'error', transaction: 9 });
    expect(error?.type === 'error' && error.error.message).toBe('go\ufffd away');
  });

  it('that are broken are no requests and no answers, and never a fault', () => {
    const announce = encodeUdpAnnounce(1n, 2, REQUEST);
    const peers = {
      v4: new Uint8Array(60).fill(1),
      v6: new Uint8Array(0),
      ids: new Uint8Array(0),
      traits: new Uint8Array(0),
    };
    const answer = { interval: 1, minInterval: 1, seeders: 1, leechers: 1, peers };
    const samples = [
      announce,
      encodeUdpConnect(3),
      encodeUdpScrape(1n, 2, [HASH, HASH, HASH]),
      encodeUdpAnnounceAnswer(2, answer, 4),
      encodeUdpScrapeAnswer(2, [undefined, undefined]),
      encodeUdpError(2, 'no'),
    ];
    const broken = fc
      .record({
        sample: fc.constantFrom(...samples),
        flips: fc.array(fc.tuple(fc.nat(), fc.nat(7)), { maxLength: 4 }),
        cut: fc.option(fc.nat(), { nil: undefined }),
      })
      .map(({ sample, flips, cut }) => {
        const bytes = sample.slice(0, cut === undefined ? sample.length : cut % sample.length);
        for (const [at, bit] of flips) if (bytes.length > 0) bytes[at % bytes.length]! ^= 1 << bit;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(broken, fc.uint8Array({ maxLength: 120 })), (packet) => {
        const request = parseUdpRequest(packet);
        if (request?.type === 'announce') expect(request.request.port).toBeGreaterThan(0);
        for (const length of [4, 16] as const) {
          const read = parseUdpAnswer(packet, length);
          if (read?.type === 'announce') expect(read.response.interval).toBeGreaterThanOrEqual(5);
        }
      }),
      { numRuns: 10_000 },
    );
    for (let length = 0; length < 98; length++)
      expect(parseUdpRequest(announce.slice(0, length))).toBeUndefined();
    expect(parseUdpRequest(encodeUdpConnectAnswer(3, 1n))).toBeUndefined();
  });
});
