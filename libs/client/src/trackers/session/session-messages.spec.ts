import { tracker } from '@pixtorrent/contracts';
import { infoHash, peerId } from '@pixtorrent/core';
import { type AnnounceRequest, MAX_PEERS } from '@pixtorrent/tracker-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { announceMessage, peersOf, refusalOf, responseOf, updateMessage } from './session-messages.ts';

const ID = Buffer.from('-PX0100-abcdefghijkl');
const REQUEST: AnnounceRequest = {
  infoHash: infoHash(Buffer.alloc(20, 1)),
  peerId: peerId(ID),
  port: 6881,
  uploaded: 1,
  downloaded: 2 ** 40,
  left: 3,
};
const LABELS = { zone: 'z', node: 'n', pixwire: true, stalled: false, announceKey: 'k' };
const address = (length: number) => Buffer.alloc(length, 9);
const peer = (given: Partial<tracker.Peer>): tracker.Peer => ({
  address: address(4),
  port: 6881,
  peerId: ID,
  pixwire: false,
  seeder: false,
  ...given,
});

/** As it is on the other side of the network. */
function across(message: tracker.SessionRequest): tracker.SessionRequest['message'] {
  return tracker.SessionRequest.decode(tracker.SessionRequest.encode(message).finish()).message;
}

describe('what is said to a tracker', () => {
  it('is who this peer is and what it wants at first, and then what has changed', () => {
    const { infoHash: hash, peerId: id, ...figures } = REQUEST;
    expect(across(announceMessage({ ...REQUEST, event: 'started', numWant: 0 }, LABELS))).toEqual({
      $case: 'announce',
      announce: {
        ...LABELS,
        ...figures,
        infoHash: Buffer.from(hash),
        peerId: Buffer.from(id),
        address: Buffer.alloc(0),
        event: 1,
        numWant: 0,
      },
    });
    const { port: _, ...changed } = figures;
    expect(across(updateMessage({ ...REQUEST, event: 'completed', numWant: 0 }, true))).toEqual({
      $case: 'update',
      update: { ...changed, infoHash: Buffer.from(hash), event: 2, numWant: undefined, stalled: true },
    });
    expect(across(updateMessage({ ...REQUEST, numWant: 7 }, false))).toMatchObject({
      update: { event: 0, numWant: 7 },
    });
  });
});

describe('what a tracker says', () => {
  it('is taken as far as it makes sense', () => {
    const peers = [
      peer({ address: Buffer.from([192, 0, 2, 1]), pixwire: true }),
      peer({ address: Buffer.from(`20010db8${'00'.repeat(11)}01`, 'hex'), peerId: Buffer.alloc(3) }),
      ...[0, 3, 5, 17].map((length) => peer({ address: address(length) })),
      ...[0, 65_536, 2 ** 32 - 1].map((port) => peer({ port })),
    ];
    const answer = { interval: 1, minInterval: 0, seeders: 1, leechers: 2, peers, warning: 'a\u001b[31m' };
    expect(responseOf(answer)).toEqual({
      interval: 5,
      seeders: 1,
      leechers: 2,
      peers: [
        { host: '192.0.2.1', port: 6881, pixwire: true, peerId: REQUEST.peerId },
        { host: '2001:db8::1', port: 6881, pixwire: false },
      ],
      warning: 'a\ufffd[31m',
    });
    const times = { ...answer, interval: 0, minInterval: 2 ** 32 - 1, peers: [], warning: '' };
    expect(responseOf(times)).toEqual({
      interval: 86_400,
      minInterval: 86_400,
      seeders: 1,
      leechers: 2,
      peers: [],
    });
    expect(peersOf(Array.from({ length: MAX_PEERS + 1 }, () => peer({})))).toHaveLength(MAX_PEERS);
  });

  it('is shown printable, and a refusal always has words', () => {
    const refused = (reason: string) => refusalOf({ infoHash: Buffer.alloc(20), code: 7, reason });
    expect(refused('no\n').message).toBe('no\ufffd');
    expect(refused('')).toMatchObject({ code: 'refused', message: expect.stringContaining('code 7') });
    expect(refused('x'.repeat(10_000)).message.length).toBeLessThanOrEqual(200);
  });

  it('never breaks anything, whatever it is', () => {
    const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array));
    const port = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const peers = fc.array(
      fc.record({ address: bytes, port, peerId: bytes, pixwire: fc.boolean(), seeder: fc.boolean() }),
      { maxLength: 5 },
    );
    const answer = fc.record({
      interval: port,
      minInterval: port,
      seeders: port,
      leechers: port,
      peers,
      warning: fc.string({ unit: 'binary' }),
    });
    fc.assert(
      fc.property(answer, (given) => {
        const { interval, minInterval = 5, peers: found, warning = '' } = responseOf(given);
        expect(interval).toBeGreaterThanOrEqual(Math.max(5, minInterval));
        expect(interval).toBeLessThanOrEqual(86_400);
        for (const { host, port: at } of found) {
          expect(host).toMatch(/^[0-9a-f:.]{2,45}$/);
          expect(at >= 1 && at <= 65_535).toBe(true);
        }
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
        expect(warning).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
      { numRuns: 10_000 },
    );
  });
});
