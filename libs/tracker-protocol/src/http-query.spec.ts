import { infoHash, peerId } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnnounceRequest } from './announce.ts';
import { TrackerError } from './errors.ts';
import * as bytesOf from './http-query.ts';
import { announceUrl, scrapeUrl } from './http-request.ts';

const { MAX_SCRAPE } = bytesOf;
/** As it stands among other bytes, which are not to be read. */
const framed = (query: string) => Buffer.from(`&left=1&${query}&left=1`, 'latin1');
const parseAnnounceQuery = (query: string) => bytesOf.parseAnnounceQuery(framed(query), 8, 8 + query.length);
const parseScrapeQuery = (query: string) => bytesOf.parseScrapeQuery(framed(query), 8, 8 + query.length);

const id = fc.uint8Array({ minLength: 20, maxLength: 20 });
const bytes = fc.maxSafeNat();
const requests: fc.Arbitrary<AnnounceRequest> = fc.record(
  {
    infoHash: id.map(infoHash),
    peerId: id.map(peerId),
    port: fc.integer({ min: 1, max: 65535 }),
    uploaded: bytes,
    downloaded: bytes,
    left: bytes,
    event: fc.constantFrom('started', 'completed', 'stopped'),
    numWant: fc.nat(1000),
    key: fc.nat(0xffffffff),
    trackerId: fc.string({ unit: 'binary', maxLength: 60 }).filter((text) => text.isWellFormed()),
    ip: fc.ipV6(),
  },
  { requiredKeys: ['infoHash', 'peerId', 'port', 'uploaded', 'downloaded', 'left'] },
);

const HASH = infoHash(Uint8Array.from({ length: 20 }, (_, i) => i * 13));
const ID = peerId(Buffer.from('-PX0100-abcdefghijkl'));
const REQUEST: AnnounceRequest = {
  infoHash: HASH,
  peerId: ID,
  port: 6881,
  uploaded: 0,
  downloaded: 0,
  left: 9,
};
const VALID = announceUrl('', REQUEST).slice(1);

function readsOrRefuses(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(TrackerError);
    expect((error as TrackerError).code).toBe('malformed');
    expect((error as TrackerError).message).toMatch(/^[ -~]{5,80}$/);
  }
}

describe('announce over HTTP', () => {
  it('means the same to the tracker as to the client', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const url = new URL(announceUrl('http://tracker.example:6969/announce', request));
        expect(parseAnnounceQuery(url.search.slice(1))).toEqual({
          ...request,
          compact: true,
          noPeerId: true,
        });
      }),
      { numRuns: 3000 },
    );
  });

  it('keeps what the URL of the tracker has', () => {
    const url = announceUrl('https://t.example/announce?passkey=a%20b#top', { ...REQUEST, key: 0xab });
    expect(url).toMatch(/^https:\/\/t\.example\/announce\?passkey=a%20b&info_hash=%00%0D%1A/);
    expect(url).toContain('&key=000000ab');
    expect(url).not.toContain('#');
  });

  it('takes raw bytes, -1 for any number, and BEP 21 paused', () => {
    const raw = VALID.replace(/info_hash=[^&]*/, `info_hash=${'\u00e9'.repeat(20)}`);
    expect(parseAnnounceQuery(`${raw}&numwant=-1&event=paused`)).toEqual({
      ...REQUEST,
      infoHash: infoHash(new Uint8Array(20).fill(0xe9)),
      compact: true,
      noPeerId: true,
    });
    expect(parseAnnounceQuery(`${VALID}&compact=0&no_peer_id=0`)).toMatchObject({
      compact: false,
      noPeerId: false,
    });
  });

  it.each([
    ['info_hash is missing', VALID.replace('info_hash', 'infohash')],
    ['info_hash is not 20 bytes', VALID.replace('info_hash=%00', 'info_hash=')],
    ['info_hash is not 20 bytes', VALID.replace('info_hash=%00', 'info_hash=%0x')],
    ['peer_id is missing', VALID.replace('peer_id', 'peerid')],
    ['port must be', VALID.replace('port=6881', 'port=0')],
    ['port must be', VALID.replace('port=6881', 'port=65536')],
    ['port is not a number', VALID.replace('port=6881', 'port=-1')],
    ['left is missing', VALID.replace('&left=9', '')],
    ['left is not a number', VALID.replace('left=9', 'left=1e3')],
    ['event is not', `${VALID}&event=constructor`],
    ['numwant is not a number', `${VALID}&numwant=`],
  ])('says "%s"', (reason, query) => {
    expect(() => parseAnnounceQuery(query)).toThrow(reason);
  });

  it('survives whatever stands in the query', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom(
        '&',
        '=',
        '%',
        '%f',
        'info_hash',
        'port',
        'event',
        'ip',
        'key',
        '__proto__',
        '9'.repeat(30),
      ),
    );
    const mutated = fc
      .tuple(fc.nat(VALID.length), fc.nat(VALID.length), piece)
      .map(([from, to, text]) => VALID.slice(0, from) + text + VALID.slice(to));
    const garbage = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(fc.oneof(mutated, garbage), (query) => {
        readsOrRefuses(() => parseAnnounceQuery(query));
        readsOrRefuses(() => parseScrapeQuery(query));
      }),
      { numRuns: 10_000 },
    );
    readsOrRefuses(() => parseAnnounceQuery(`trackerid=${'%41'.repeat(1_000_000)}`));
  });
});

describe('scrape over HTTP', () => {
  it('names the same torrents on both sides', () => {
    fc.assert(
      fc.property(fc.array(id.map(infoHash), { minLength: 1, maxLength: MAX_SCRAPE }), (hashes) => {
        const url = new URL(scrapeUrl('http://tracker.example/x/announce.php?pass=1', hashes)!);
        expect(url.pathname).toBe('/x/scrape.php');
        expect(url.searchParams.get('pass')).toBe('1');
        expect(parseScrapeQuery(url.search.slice(1))).toEqual(hashes);
      }),
      { numRuns: 300 },
    );
  });

  it('is not made up for a tracker that has none', () => {
    expect(scrapeUrl('http://tracker.example/a', [HASH])).toBeUndefined();
    expect(scrapeUrl('http://tracker.example/announce/x', [HASH])).toBeUndefined();
    expect(scrapeUrl('http://tracker.example/x?y=/announce', [HASH])).toBeUndefined();
  });

  it('is bounded', () => {
    const query = (count: number) => Array(count).fill(VALID.split('&')[0]).join('&');
    expect(parseScrapeQuery(query(MAX_SCRAPE)).length).toBe(MAX_SCRAPE);
    expect(() => parseScrapeQuery(query(MAX_SCRAPE + 1))).toThrow('more than');
    expect(() => parseScrapeQuery('')).toThrow('missing');
  });
});
