import { getEventListeners } from 'node:events';
import { tracker } from '@pixtorrent/contracts';
import { infoHash, peerId } from '@pixtorrent/core';
import { type AnnounceRequest, TrackerError, type TrackerPeer } from '@pixtorrent/tracker-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnnounceOptions } from '../announce.ts';
import { VirtualTime } from '../fixtures/virtual-time.ts';
import type { StreamReceiver } from './session-stream.ts';
import { TrackerSessions } from './tracker-sessions.ts';

const URL = 'grpc://tracker.example:6970';
const PEER: tracker.Peer = {
  address: Buffer.from([192, 0, 2, 1]),
  port: 6881,
  peerId: Buffer.alloc(20, 3),
  pixwire: true,
  seeder: true,
};
const RESPONSE: tracker.AnnounceResponse = {
  interval: 1800,
  minInterval: 30,
  seeders: 1,
  leechers: 2,
  peers: [PEER],
  warning: '',
};

/** A stream in memory, with the tracker's end of it. */
class StagedStream {
  readonly sent: string[] = [];
  unsent = 0;
  paused = false;
  state: 'open' | 'ended' | 'destroyed' = 'open';
  readonly receiver: StreamReceiver;
  readonly #over = Promise.withResolvers<void>();
  /** Whether the tracker ends its side when it is asked to. */
  polite = true;

  constructor(receiver: StreamReceiver) {
    this.receiver = receiver;
  }

  async send({ message }: tracker.SessionRequest): Promise<void> {
    if (message?.$case === 'announce') this.sent.push(`announce ${message.announce.infoHash[0]}`);
    if (message?.$case === 'update') {
      const { infoHash: hash, event, numWant } = message.update;
      this.sent.push(
        `update ${hash[0]} ${['-', 'started', 'completed', 'stopped'][event]} ${numWant ?? '-'}`,
      );
    }
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(): Promise<void> {
    this.state = 'ended';
    if (this.polite) this.#over.resolve();
    return this.#over.promise;
  }

  destroy(): void {
    this.state = 'destroyed';
    this.#over.resolve();
  }

  says(message: NonNullable<tracker.SessionResponse['message']>): void {
    this.receiver.message({ message });
  }

  answers(hash: number, response: tracker.AnnounceResponse = RESPONSE): void {
    this.says({ $case: 'answer', answer: { infoHash: Buffer.alloc(20, hash), response } });
  }

  tells(hash: number, joined: tracker.Peer[]): void {
    this.says({ $case: 'change', change: { infoHash: Buffer.alloc(20, hash), joined, left: [PEER] } });
  }
}

function setUp() {
  const time = new VirtualTime();
  const streams: StagedStream[] = [];
  const told: string[] = [];
  const found: TrackerPeer[] = [];
  const sessions = new TrackerSessions(
    {
      open: (_target, receiver) => {
        const stream = new StagedStream(receiver);
        streams.push(stream);
        return stream;
      },
      clock: time,
      timers: time,
    },
    { zone: 'z', node: 'n' },
  );
  const announce = (
    hash: number,
    request: Partial<AnnounceRequest> = {},
    options: Partial<AnnounceOptions> = {},
  ) =>
    sessions.announce(
      URL,
      {
        infoHash: infoHash(Buffer.alloc(20, hash)),
        peerId: peerId(Buffer.alloc(20, 2)),
        port: 6881,
        uploaded: 0,
        downloaded: 0,
        left: 1,
        numWant: 50,
        ...request,
      },
      {
        signal: new AbortController().signal,
        timeoutMs: 15_000,
        pixwire: true,
        stalled: false,
        listener: {
          joined: (peers) => found.push(...peers),
          ended: (afterMs) => told.push(`${hash} ended ${afterMs}`),
        },
        ...options,
      },
    );
  /** Announces and is answered. */
  const joined = async (hash: number) => {
    const answer = announce(hash);
    await time.pass(0);
    streams.at(-1)!.answers(hash);
    return answer;
  };
  return { time, streams, told, found, sessions, announce, joined };
}

const failure = (promise: Promise<unknown>): Promise<TrackerError> =>
  promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: TrackerError) => error,
  );

describe('a session', () => {
  it('serves all swarms over one stream: announces each, and then says what has changed', async () => {
    const { time, streams, announce, joined, found } = setUp();
    const answer = await joined(1);
    expect(answer).toMatchObject({ interval: 1800, seeders: 1, peers: [{ host: '192.0.2.1' }] });
    await joined(2);
    expect(await announce(1, { numWant: 0, event: 'completed' })).toMatchObject({
      interval: 1800,
      peers: [],
    });
    const asking = announce(1, { numWant: 7 });
    await time.pass(0);
    streams[0]!.answers(1, { ...RESPONSE, interval: 60 });
    expect(await asking).toMatchObject({ interval: 60, peers: [{ port: 6881 }] });
    streams[0]!.tells(2, [PEER, PEER]);
    streams[0]!.tells(9, [PEER]);
    streams[0]!.answers(9);
    expect(found).toHaveLength(2);
    expect(streams).toHaveLength(1);
    expect(streams[0]!.sent).toEqual(['announce 1', 'announce 2', 'update 1 completed -', 'update 1 - 7']);
  });

  it('ends with its last swarm, when the tracker has heard the farewell', async () => {
    const { time, streams, announce, joined, sessions } = setUp();
    await joined(1);
    const { session } = await joined(2);
    await announce(1, { event: 'stopped' });
    expect(streams[0]!.state).toBe('open');
    streams[0]!.polite = false;
    let left = false;
    const leaving = announce(2, { event: 'stopped' }, { timeoutMs: 3000 }).then(() => {
      left = true;
    });
    await time.pass(2999);
    expect([streams[0]!.state, left, session?.alive]).toEqual(['ended', false, false]);
    streams[0]!.tells(2, Array(100_000).fill(PEER));
    expect(streams[0]!.paused).toBe(false);
    await time.pass(1);
    await leaving;
    expect(streams[0]!.state).toBe('destroyed');
    expect(streams[0]!.sent.slice(2)).toEqual(['update 1 stopped -', 'update 2 stopped -']);
    expect(await announce(2, { event: 'stopped' })).toMatchObject({ peers: [] });
    expect(streams).toHaveLength(1);
    expect(time.waiting).toBe(0);
    sessions.close();
  });

  it('that is lost is told to each swarm once, and the next announce opens another', async () => {
    const { time, streams, told, announce, joined } = setUp();
    const { session } = await joined(1);
    await joined(2);
    const asking = failure(announce(2));
    await time.pass(0);
    streams[0]!.receiver.ended(new TrackerError('unreachable', 'gone'));
    streams[0]!.receiver.ended(new TrackerError('unreachable', 'gone'));
    expect(await asking).toMatchObject({ code: 'unreachable', message: 'gone' });
    expect(told).toEqual(['1 ended 0']);
    expect(session?.alive).toBe(false);
    expect((await joined(1)).session?.alive).toBe(true);
    expect(streams[1]!.sent).toEqual(['announce 1']);
    streams[0]!.tells(1, [PEER]);
    expect(told).toHaveLength(1);
  });

  it('that the tracker wants to end is ended, with the time that it names', async () => {
    const { streams, told, joined } = setUp();
    await joined(1);
    await joined(2);
    streams[0]!.says({ $case: 'goAway', goAway: { reconnectAfterMs: 700 } });
    expect(told).toEqual(['1 ended 700', '2 ended 700']);
    expect(streams[0]!.state).toBe('destroyed');
  });

  it('goes on where one of its swarms is refused, at once or later', async () => {
    const { time, streams, told, announce, joined } = setUp();
    await joined(1);
    const refusal = { infoHash: Buffer.alloc(20, 2), code: 7, reason: 'not\u0000here' };
    const asking = failure(announce(2));
    await time.pass(0);
    streams[0]!.says({ $case: 'refusal', refusal });
    expect(await asking).toMatchObject({ code: 'refused', message: 'not\ufffdhere' });
    await joined(2);
    streams[0]!.says({ $case: 'refusal', refusal });
    expect(told).toEqual(['2 ended 0']);
    expect(streams[0]!.state).toBe('open');
    expect(streams).toHaveLength(1);
  });

  it('gives up a swarm that gets no answer in time, and with it a stream that has no other', async () => {
    const { time, streams, announce } = setUp();
    const asking = failure(announce(1, {}, { timeoutMs: 1000 }));
    await time.pass(1000);
    expect(await asking).toMatchObject({ code: 'timeout' });
    expect(streams[0]!.state).toBe('destroyed');
    void failure(announce(1));
    await time.pass(0);
    expect(streams[1]!.sent).toEqual(['announce 1']);
  });

  it('takes back an announce that was on its way', async () => {
    const { time, streams, announce } = setUp();
    const abort = new AbortController();
    const asking = failure(announce(1, {}, { signal: abort.signal }));
    await time.pass(0);
    abort.abort();
    expect(await asking).toMatchObject({ code: 'cancelled' });
    await announce(1, { event: 'stopped' });
    expect(streams[0]!.sent).toEqual(['announce 1', 'update 1 stopped -']);
    expect(await failure(announce(1, {}, { signal: abort.signal }))).toMatchObject({ code: 'cancelled' });
    expect(streams).toHaveLength(1);
    expect(time.waiting).toBe(0);
  });

  it('has one peer a swarm: a second one gets a stream of its own', async () => {
    const { time, streams, announce, joined } = setUp();
    await joined(1);
    void announce(1, { peerId: peerId(Buffer.alloc(20, 4)) });
    await time.pass(0);
    expect(streams.map(({ sent }) => sent)).toEqual([['announce 1'], ['announce 1']]);
    await announce(1, { event: 'stopped' });
    expect(streams.map(({ state }) => state)).toEqual(['destroyed', 'open']);
  });

  it('reads a flood no faster than 20,000 peers a second', async () => {
    const { time, streams, joined } = setUp();
    await joined(1);
    const stream = streams[0]!;
    const second = 60;
    let read = 0;
    for (let tick = 0; tick < second * 100; tick++) {
      for (let i = 0; i < 50 && !stream.paused; i++, read += 100)
        stream.tells(tick % 3, Array(99).fill(PEER));
      await time.pass(10);
    }
    expect(read / second).toBeLessThan(21_000);
    expect(read / second).toBeGreaterThan(15_000);
  });

  it('ends where the tracker does not read', async () => {
    const { time, streams, told, announce, joined } = setUp();
    await joined(1);
    streams[0]!.unsent = 20_001;
    await announce(1, { numWant: 0 });
    await time.pass(0);
    expect(told).toEqual(['1 ended 0']);
    expect(streams[0]!.state).toBe('destroyed');
  });

  it('fails at once what is asked of a session that ends by it', async () => {
    const { streams, announce, joined } = setUp();
    await joined(1);
    streams[0]!.unsent = 20_001;
    await expect(announce(2)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('leaves nothing with the asker whose question is answered', async () => {
    const { streams, announce } = setUp();
    const { signal } = new AbortController();
    const answer = announce(1, {}, { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    streams[0]!.answers(1);
    await answer;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('stands whatever a tracker sends', async () => {
    const { streams, announce, joined, time } = setUp();
    await joined(1);
    const stream = streams[0]!;
    let understood = 0;
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .tuple(fc.constantFrom(10, 18, 26, 42), fc.uint8Array({ maxLength: 30 }))
        .map(([tag, rest]) =>
          Buffer.concat([Buffer.from([tag, rest.length + 22, 10, 20]), Buffer.alloc(20, 1), rest]),
        ),
    );
    fc.assert(
      fc.property(bytes, (message) => {
        let decoded: tracker.SessionResponse;
        try {
          decoded = tracker.SessionResponse.decode(message);
        } catch {
          return;
        }
        understood++;
        if (decoded.message?.$case === 'goAway') return;
        stream.receiver.message(decoded);
        if (decoded.message?.$case === 'refusal') void announce(1).catch(() => {});
      }),
      { numRuns: 10_000 },
    );
    expect(understood).toBeGreaterThan(1000);
    await time.pass(0);
    const again = joined(5);
    expect(await again).toMatchObject({ seeders: 1 });
  });
});
