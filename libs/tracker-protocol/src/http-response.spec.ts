import { type Encodable, encode } from '@pixtorrent/bencode';
import { infoHash } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TrackerPeer } from './announce.ts';
import { MAX_PEERS } from './compact-peers.ts';
import { TrackerError } from './errors.ts';
import {
  type AnnounceAnswer,
  encodeCompactAnswer,
  encodeDictionaryAnswer,
  encodeFailure,
  encodeScrapeAnswer,
} from './http-answer.ts';
import { MAX_ANSWER_BYTES, parseAnnounceResponse, parseScrapeResponse } from './http-response.ts';
import { formatIp } from './ip-address.ts';

const endpoints = (addressLength: number) =>
  fc
    .array(fc.uint8Array({ minLength: addressLength + 2, maxLength: addressLength + 2 }), { maxLength: 8 })
    .map((peers) => {
      for (const peer of peers) peer[addressLength] ||= 1;
      return Uint8Array.from(Buffer.concat(peers));
    });
const answers: fc.Arbitrary<AnnounceAnswer> = fc
  .record({
    minInterval: fc.integer({ min: 5, max: 1000 }),
    more: fc.nat(1000),
    seeders: fc.nat(),
    leechers: fc.nat(),
    v4: endpoints(4),
    v6: endpoints(16),
    warning: fc.option(fc.constantFrom('x', 'peers may be missing'), { nil: undefined }),
  })
  .map(({ minInterval, more, seeders, leechers, v4, v6, warning }) => {
    const ids = new Uint8Array(20 * (v4.length / 6 + v6.length / 18)).map((_, i) => i);
    return {
      minInterval,
      interval: minInterval + more,
      seeders,
      leechers,
      peers: { v4, v6, ids, traits: new Uint8Array(0) },
      ...(warning !== undefined && { warning }),
    };
  });

function named({ peers }: AnnounceAnswer): TrackerPeer[] {
  const list: TrackerPeer[] = [];
  for (const [bytes, length] of [
    [peers.v4, 4],
    [peers.v6, 16],
  ] as const) {
    for (let at = 0; at < bytes.length; at += length + 2) {
      const port = bytes[at + length]! * 256 + bytes[at + length + 1]!;
      list.push({ host: formatIp(bytes, at, length), port });
    }
  }
  return list;
}

function codeOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(TrackerError);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    expect((error as TrackerError).message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    return (error as TrackerError).code;
  }
  return 'read';
}

const parse = (value: Encodable) => parseAnnounceResponse(encode(value));

describe('the answer to an announce', () => {
  it('comes back from both of its forms', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const { peers: _, ...rest } = answer;
        const expected = { ...rest, peers: named(answer) };
        expect(parseAnnounceResponse(encodeCompactAnswer(answer))).toEqual(expected);
        const list = parseAnnounceResponse(encodeDictionaryAnswer(answer));
        expect({ ...list, peers: list.peers.map(({ host, port }) => ({ host, port })) }).toEqual(expected);
        expect(list.peers.flatMap((peer) => [...peer.peerId!])).toEqual([...answer.peers.ids]);
      }),
      { numRuns: 1500 },
    );
  });

  it('shows the reason of a refusal, made printable', () => {
    expect(() => parseAnnounceResponse(encodeFailure('not registered\u001b[2J'))).toThrow(
      'not registered\ufffd[2J',
    );
    expect(codeOf(() => parseAnnounceResponse(encodeFailure('no')))).toBe('refused');
  });

  it('keeps warning and tracker ID', () => {
    const response = parse({ interval: 60, peers: '', 'warning message': 'slow\n', 'tracker id': 'x1' });
    expect(response).toEqual({ interval: 60, peers: [], warning: 'slow\ufffd', trackerId: 'x1' });
    expect(parse({ interval: 60, 'tracker id': 'x'.repeat(10_000) }).trackerId).toBeUndefined();
  });

  it('brings every time into a range that can be acted on', () => {
    for (const value of [undefined, 0, -5, 1, 10 ** 15, 2n ** 63n, -(2n ** 63n), 'soon'])
      for (const least of [undefined, 0, -1, 10 ** 9, 'x']) {
        const { interval, minInterval } = parse({ interval: value, 'min interval': least, peers: '' });
        expect(interval).toBeGreaterThanOrEqual(5);
        expect(interval).toBeLessThanOrEqual(86_400);
        if (minInterval !== undefined) expect(minInterval).toBeLessThanOrEqual(interval);
      }
  });

  it('leaves out peers that cannot be reached', () => {
    const at = (ip: string, port: number | bigint | string) => ({ ip, port });
    const peers = [
      at('192.0.2.1', 1),
      at('tracker.example', 80),
      at('192.0.2.1', 0),
      at('192.0.2.1', 65536),
      at('192.0.2.1', '80'),
      at('evil\nhost', 80),
      at('', 80),
      at('../etc', 80),
      7,
      [],
    ];
    expect(parse({ interval: 60, peers }).peers).toEqual([
      { host: '192.0.2.1', port: 1 },
      { host: 'tracker.example', port: 80 },
    ]);
    expect(
      parse({ interval: 60, peers: Uint8Array.of(1, 2, 3, 4, 0, 0, 1, 2, 3, 4, 0, 5, 9) }).peers,
    ).toEqual([{ host: '1.2.3.4', port: 5 }]);
  });

  it('is bounded in peers and bytes', () => {
    const many = new Uint8Array(6 * (MAX_PEERS + 100)).fill(9);
    expect(parse({ interval: 60, peers: many, peers6: new Uint8Array(1800).fill(9) }).peers.length).toBe(
      MAX_PEERS,
    );
    expect(codeOf(() => parseAnnounceResponse(new Uint8Array(MAX_ANSWER_BYTES + 1)))).toBe('too-large');
    expect(codeOf(() => parseAnnounceResponse(Buffer.from('l'.repeat(100_000))))).toBe('malformed');
    expect(codeOf(() => parseAnnounceResponse(Buffer.from('d5:peers999999999999:')))).toBe('malformed');
  });

  it('survives garbage, cuts and flipped bits', () => {
    const valid = encodeDictionaryAnswer({
      interval: 1800,
      minInterval: 60,
      seeders: 5,
      leechers: 7,
      peers: {
        v4: new Uint8Array(12).fill(3),
        v6: new Uint8Array(36).fill(4),
        ids: new Uint8Array(80),
        traits: new Uint8Array(4),
      },
    });
    const compact = encode({
      interval: 1800,
      peers: new Uint8Array(12).fill(3),
      peers6: new Uint8Array(18).fill(1),
    });
    const broken = fc
      .record({
        base: fc.constantFrom(valid, compact),
        flips: fc.array(fc.tuple(fc.nat(), fc.nat(7)), { maxLength: 4 }),
        cut: fc.option(fc.nat(), { nil: undefined }),
      })
      .map(({ base, flips, cut }) => {
        const bytes = base.slice(0, cut === undefined ? base.length : cut % base.length);
        for (const [at, bit] of flips) if (bytes.length > 0) bytes[at % bytes.length]! ^= 1 << bit;
        return bytes;
      });
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .string({ unit: fc.constantFrom(...'dleei0123456789:-x'), maxLength: 40 })
        .map((text) => Buffer.from(text)),
    );
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.oneof(broken, garbage), (body) => {
        seen.add(codeOf(() => parseAnnounceResponse(body)));
        seen.add(codeOf(() => parseScrapeResponse(body, [infoHash(new Uint8Array(20))])));
      }),
      { numRuns: 10_000 },
    );
    expect(seen).toEqual(new Set(['read', 'malformed']));
  });
});

describe('the answer to a scrape', () => {
  it('comes back, in the order of the question', () => {
    const entry = fc.option(fc.record({ seeders: fc.nat(), leechers: fc.nat(), completed: fc.nat() }), {
      nil: undefined,
    });
    const hash = fc.uint8Array({ minLength: 20, maxLength: 20 });
    const swarms = fc.uniqueArray(fc.tuple(hash, entry), {
      selector: ([bytes]) => Buffer.from(bytes).toString('hex'),
      maxLength: 20,
    });
    fc.assert(
      fc.property(swarms, (list) => {
        const hashes = list.map(([bytes]) => infoHash(bytes));
        const entries = list.map(([, figures]) => figures);
        expect(parseScrapeResponse(encodeScrapeAnswer(hashes, entries), hashes)).toEqual(entries);
      }),
      { numRuns: 500 },
    );
  });

  it('says what is missing', () => {
    expect(() => parseScrapeResponse(encode({ interval: 1 }), [])).toThrow('files');
    expect(codeOf(() => parseScrapeResponse(encodeFailure('no scrape'), []))).toBe('refused');
  });
});
