import { infoHash, peerId, SeededRandom } from '@pixtorrent/core';
import { VirtualTime } from '@pixtorrent/testkit';
import type { AnnounceRequest } from '@pixtorrent/tracker-protocol';
import { describe, expect, it } from 'vitest';
import type { Asking } from '../frontends/tracker-logic.ts';
import { MemoryPeerStore } from '../stores/memory-peer-store.ts';
import { Tracker } from '../tracker.ts';
import { Admission, type AdmissionOptions } from './admission.ts';
import { AdmittingTracker } from './admitting-tracker.ts';
import { RateLimit } from './rate-limit.ts';

const [PUBLIC, PRIVATE, UNKNOWN] = [1, 2, 3].map((fill) => infoHash(new Uint8Array(20).fill(fill)));
const KEY = 'k3y_of-one';

interface Setting extends Partial<AdmissionOptions> {
  readonly ready?: boolean;
  readonly rateLimit?: RateLimit;
}

function tracker({ ready = true, rateLimit, ...options }: Setting): AdmittingTracker {
  const torrents = {
    ready,
    has: (hash: Uint8Array) =>
      ready && hash[0] !== UNKNOWN![0] ? { private: hash[0] === PRIVATE![0] } : undefined,
  };
  const time = new VirtualTime();
  const store = new MemoryPeerStore(
    { clock: time, wallClock: time, timers: time, random: new SeededRandom(1) },
    { timeToLive: 60_000 },
  );
  const admission = new Admission(
    { torrents, rateLimit },
    { open: true, keyFor: 'none', keys: [KEY], ...options },
  );
  return new AdmittingTracker(new Tracker(store), admission);
}

function asking(announceKey = ''): Asking {
  const address = Uint8Array.of(192, 0, 2, 1);
  return { frontend: 'http', address, families: 'both', details: false, announceKey };
}

function request(hash = PUBLIC!): AnnounceRequest {
  const id = peerId(new Uint8Array(20).fill(9));
  return { infoHash: hash, peerId: id, port: 1, uploaded: 0, downloaded: 0, left: 0 };
}

/** What becomes of an announce: `ok`, or the code of its refusal. */
async function outcome(by: AdmittingTracker, hash = PUBLIC!, key = ''): Promise<string> {
  try {
    await by.announce(request(hash), asking(key));
    return 'ok';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const ALL = [PUBLIC!, PRIVATE!, UNKNOWN!];

describe('admission', () => {
  it.each<[string, Setting, string, string[]]>([
    ['an open tracker serves all', {}, '', ['ok', 'ok', 'ok']],
    ['a catalogue alone', { open: false }, '', ['ok', 'ok', 'not-served']],
    ['keys for private torrents, none given', { keyFor: 'private' }, '', ['ok', 'wrong-key', 'ok']],
    ['keys for private torrents, a wrong one', { keyFor: 'private' }, `${KEY}x`, ['ok', 'wrong-key', 'ok']],
    ['keys for private torrents, a right one', { keyFor: 'private' }, KEY, ['ok', 'ok', 'ok']],
    [
      'keys for private torrents of a catalogue',
      { open: false, keyFor: 'private' },
      '',
      ['ok', 'wrong-key', 'not-served'],
    ],
    ['keys for all, none given', { keyFor: 'all' }, '', ['wrong-key', 'wrong-key', 'wrong-key']],
    ['keys for all of a catalogue', { open: false, keyFor: 'all' }, KEY, ['ok', 'ok', 'not-served']],
    ['a catalogue that was never read, open', { ready: false }, '', ['ok', 'ok', 'ok']],
    [
      'a catalogue that was never read, closed',
      { ready: false, open: false },
      '',
      ['store-unavailable', 'store-unavailable', 'store-unavailable'],
    ],
    [
      'a catalogue that was never read, where some torrents want keys',
      { ready: false, keyFor: 'private' },
      '',
      ['store-unavailable', 'store-unavailable', 'store-unavailable'],
    ],
    [
      'a catalogue that was never read, and a key for the worst case',
      { ready: false, keyFor: 'private' },
      KEY,
      ['ok', 'ok', 'ok'],
    ],
  ])('%s', async (_, setting, key, expected) => {
    const made = tracker(setting);
    const outcomes = [];
    for (const hash of ALL) outcomes.push(await outcome(made, hash, key));
    expect(outcomes).toEqual(expected);
  });

  it('tells no figures of what it would not serve, as if that were not known', async () => {
    const made = tracker({ keyFor: 'private' });
    for (const hash of ALL) await made.announce(request(hash), asking(KEY));
    const seen = async (key: string) => (await made.scrape(ALL, asking(key))).map((entry) => entry?.seeders);
    expect(await seen('')).toEqual([1, undefined, 1]);
    expect(await seen(KEY)).toEqual([1, 1, 1]);
    expect(await tracker({ keyFor: 'all' }).scrape(ALL, asking())).toEqual(Array(3).fill(undefined));
  });

  it('refuses whoever asks too often, and says when to come back', async () => {
    const rateLimit = new RateLimit({ clock: { now: () => 0 }, seed: 1 }, { rate: 1, burst: 3 });
    const made = tracker({ rateLimit });
    expect(await outcome(made)).toBe('ok');
    await made.scrape([PUBLIC!], asking());
    expect(await outcome(made)).toBe('ok');
    expect(() => made.announce(request(), asking())).toThrow(
      expect.objectContaining({ code: 'too-often', retryAfter: 1 }),
    );
    await expect(made.scrape([PUBLIC!], asking())).rejects.toMatchObject({ code: 'too-often' });
  });
});
