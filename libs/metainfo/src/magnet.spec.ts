import { endpointKey, toHex } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MetainfoError } from './errors.ts';
import { formatMagnet, type Magnet, parseMagnet } from './magnet.ts';

const HEX = '0123456789abcdef0123456789abcdef01234567';
const XT = `xt=urn:btih:${HEX}`;

function failure(text: string): string {
  try {
    parseMagnet(text);
  } catch (error) {
    if (error instanceof MetainfoError) return `${error.code} at ${error.place}`;
    throw error;
  }
  return 'none';
}

describe('parseMagnet', () => {
  it('reads everything of BEP 9', () => {
    const magnet = parseMagnet(
      `magnet:?${XT}&dn=a%20file+name&tr=http%3A%2F%2Ft%2Fannounce&tr.1=udp://u:6969&x.pe=192.0.2.1:6881` +
        '&x.pe=[2001:db8::1]:6882&x.pe=host.example:1&ws=http%3A%2F%2Fs%2F%C3%A4&xl=5',
    );
    expect(toHex(magnet.infoHash)).toBe(HEX);
    expect(magnet).toMatchObject({
      name: 'a file name',
      trackers: ['http://t/announce', 'udp://u:6969'],
      webSeeds: ['http://s/%C3%A4'],
      peers: [
        { host: '192.0.2.1', port: 6881 },
        { host: '2001:db8::1', port: 6882 },
        { host: 'host.example', port: 1 },
      ],
    });
  });

  it('reads the hash in base32 and in any case', () => {
    const base32 = 'AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH';
    expect(toHex(parseMagnet(`magnet:?xt=urn:btih:${base32}`).infoHash)).toBe(HEX);
    expect(toHex(parseMagnet(`magnet:?xt=urn:btih:${base32.toLowerCase()}`).infoHash)).toBe(HEX);
    expect(toHex(parseMagnet(`MAGNET:?XT=URN:BTIH:${HEX.toUpperCase()}`).infoHash)).toBe(HEX);
    expect(toHex(parseMagnet(` magnet:?xt.1=urn:btih:${'A'.repeat(32)}\n`).infoHash)).toBe('0'.repeat(40));
  });

  it('takes the version 1 hash of a hybrid, and refuses version 2 alone by name', () => {
    const btmh = `xt=urn:btmh:1220${'ab'.repeat(32)}`;
    expect(toHex(parseMagnet(`magnet:?${btmh}&${XT}`).infoHash)).toBe(HEX);
    expect(failure(`magnet:?${btmh}`)).toBe('v2-only at xt');
  });

  it.each([
    ['bad-magnet at magnet', ''],
    ['bad-magnet at magnet', 'http://example/'],
    ['bad-magnet at magnet', `magnet:${XT}`],
    ['bad-magnet at xt', `magnet:?${XT} ${XT}`],
    ['bad-magnet at xt', 'magnet:?'],
    ['bad-magnet at xt', 'magnet:?dn=x'],
    ['bad-magnet at xt', `magnet:?${XT}0`],
    ['bad-magnet at xt', `magnet:?xt=urn:btih:${'1'.repeat(32)}`],
    ['bad-magnet at xt', `magnet:?xt=urn:sha1:${HEX}`],
    ['bad-magnet at xt', `magnet:?${XT}&xt=urn:btih:${'0'.repeat(40)}`],
  ])('refuses, %s: %j', (expected, text) => {
    expect(failure(text)).toBe(expected);
  });

  it('refuses a link without end', () => {
    expect(failure(`magnet:?${XT}&dn=${'x'.repeat(300_000)}`)).toBe('bad-magnet at magnet');
  });

  it('leaves out what is not valid', () => {
    const peers = [
      '1.2.3.4',
      '1.2.3.4:0',
      '1.2.3.4:65536',
      ':6881',
      '[::1:6881',
      '[zz]:1',
      'a b:1',
      '../x:1',
      'u@h:1',
      '%',
    ];
    const rest = [
      ...peers.map((p) => `x.pe=${p}`),
      'tr=ftp://x/',
      'tr=%FF',
      'ws=udp://x:1',
      'dn=%E0%A4%A',
      'dn',
    ];
    expect(parseMagnet(`magnet:?${XT}&${rest.join('&')}`)).toEqual({
      infoHash: expect.anything(),
      trackers: [],
      peers: [],
      webSeeds: [],
    });
  });

  it('keeps no terminal control in the name, and no more than 200 of anything', () => {
    const many = Array.from({ length: 300 }, (_, i) => `tr=http://t${i}/&ws=http://s${i}/&x.pe=h${i}:1`).join(
      '&',
    );
    const magnet = parseMagnet(`magnet:?${XT}&dn=%1b[2J&${many}`);
    expect(magnet.name).toBe('\ufffd[2J');
    expect([magnet.trackers.length, magnet.webSeeds.length, magnet.peers.length]).toEqual([200, 200, 200]);
  });

  it('gives a name that is well-formed, also where it was cut or was not', () => {
    const name = (text: string) => parseMagnet(`magnet:?${XT}&dn=${text}`).name;
    expect(name('a\ud800')).toBe('a\ufffd');
    expect(name(`a${'\u{1f600}'.repeat(150)}`)?.isWellFormed()).toBe(true);
  });

  it('reads __proto__ as a parameter that means nothing', () => {
    expect(failure(`magnet:?__proto__=x&constructor=y&${XT}`)).toBe('none');
  });
});

describe('formatMagnet', () => {
  it('writes the usual form', () => {
    const magnet = parseMagnet(`magnet:?ws=http://s/&tr=http://t/?a=1%262&x.pe=[::1]:9&dn=a+%26&${XT}`);
    expect(formatMagnet(magnet)).toBe(
      `magnet:?${XT}&dn=a%20%26&tr=http%3A%2F%2Ft%2F%3Fa%3D1%262&ws=http%3A%2F%2Fs%2F&x.pe=[::1]:9`,
    );
    expect(formatMagnet({ infoHash: magnet.infoHash })).toBe(`magnet:?${XT}`);
  });

  it('is read back as it was', () => {
    const url = fc.webUrl({ withQueryParameters: true, withFragments: true });
    const host = fc.oneof(fc.ipV4(), fc.constantFrom('2001:db8::1', '::1'), fc.domain());
    const magnet: fc.Arbitrary<Magnet> = fc.record({
      infoHash: fc.uint8Array({ minLength: 20, maxLength: 20 }) as fc.Arbitrary<never>,
      name: fc.string({ minLength: 1, maxLength: 30 }),
      trackers: fc.uniqueArray(url, { maxLength: 4 }),
      webSeeds: fc.uniqueArray(url, { maxLength: 4 }),
      peers: fc.uniqueArray(fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) }), {
        maxLength: 4,
        selector: endpointKey,
      }),
    });
    fc.assert(
      fc.property(magnet, (value) => {
        const text = formatMagnet(value);
        expect(parseMagnet(text)).toEqual(value);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('any text', () => {
  const sound = (text: string) => {
    let magnet: Magnet;
    try {
      magnet = parseMagnet(text);
    } catch (error) {
      if (!(error instanceof MetainfoError)) throw error;
      return;
    }
    // What was read can be written, and means the same when it is read again.
    expect(parseMagnet(formatMagnet(magnet))).toEqual(magnet);
  };

  it('is refused or read', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => sound(`magnet:?${text}`)),
      {
        numRuns: 3000,
      },
    );
  });

  it('made of the pieces of a link is refused or read', () => {
    const token = fc.constantFrom(
      XT,
      '&',
      '=',
      '%',
      '%2',
      '%00',
      '%C3',
      '+',
      'dn',
      'tr',
      'tr.1',
      'ws',
      'x.pe',
      'http://',
      'udp://',
      'host',
      ':6881',
      '[::1]',
      '[',
      ']',
      '@',
      '#',
      '?',
      '/',
      '\\',
      '\t',
      '\ud800',
      'é',
      '1.2.3.4',
      '0x7f.1',
      '__proto__',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 16 }), (tokens) => sound(`magnet:?${XT}&${tokens.join('')}`)),
      { numRuns: 5000 },
    );
  });

  it('with a character changed or cut is refused or read', () => {
    const whole = `magnet:?${XT}&dn=name&tr=http%3A%2F%2Ft%2F&x.pe=192.0.2.1:6881&ws=http://s/`;
    fc.assert(
      fc.property(
        fc.nat(whole.length),
        fc.nat(whole.length),
        fc.string({ unit: 'binary', maxLength: 2 }),
        (a, b, put) => {
          sound(whole.slice(0, Math.min(a, b)) + put + whole.slice(Math.max(a, b)));
        },
      ),
      { numRuns: 3000 },
    );
  });
});
