import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadRequest, RequestReader } from './request-reader.ts';

const HEADER = 'x-forwarded-for';

interface Found {
  readonly method: string;
  readonly target: string;
  readonly keepAlive: boolean;
  readonly forwarded: string;
}

/** Everything that is found where the stream comes in pieces cut at `cuts`; a status ends it. */
function read(stream: Buffer, cuts: readonly number[] = []): (Found | number)[] {
  const reader = new RequestReader(HEADER);
  const found: (Found | number)[] = [];
  const places = [...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b);
  let from = 0;
  try {
    for (const to of places) {
      if (to === from) continue;
      reader.push(Buffer.from(stream.subarray(from, to)));
      from = to;
      while (reader.next()) {
        const { bytes, targetStart, targetEnd, method, keepAlive, forwarded } = reader;
        found.push({
          method,
          target: bytes.toString('latin1', targetStart, targetEnd),
          keepAlive,
          forwarded,
        });
      }
    }
  } catch (error) {
    if (!(error instanceof BadRequest)) throw error;
    found.push(error.status);
  }
  return found;
}

const text = (stream: string) => read(Buffer.from(stream, 'latin1'));
const cuts = fc.array(fc.nat(), { maxLength: 30 });

const requests = fc
  .record({
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PROPFIND'),
    target: fc.stringMatching(/^\/[!-~]{0,60}$/),
    old: fc.boolean(),
    connection: fc.constantFrom('', 'close', 'keep-alive', 'Close, x', 'upgrade'),
    forwarded: fc.array(fc.stringMatching(/^[0-9a-f.:]{1,20}$/), { maxLength: 2 }),
    body: fc.string({ maxLength: 200 }).map((body) => Buffer.from(body, 'utf8').toString('latin1')),
    more: fc.array(fc.stringMatching(/^[A-Z][a-z-]{0,12}: ?[ -~]{0,20}$/), { maxLength: 4 }),
  })
  .map(({ method, target, old, connection, forwarded, body, more }) => {
    const headers = more.filter((line) => !/^(connection|content-length|expect|transfer)/i.test(line));
    if (connection !== '') headers.push(`cOnnection: ${connection}`);
    for (const from of forwarded) headers.push(`X-Forwarded-For: ${from}`);
    if (body !== '') headers.push(`Content-Length: ${body.length}`);
    const keepAlive = old ? connection === 'keep-alive' : !/close/i.test(connection);
    return {
      stream: `${method} ${target} HTTP/1.${old ? 0 : 1}\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n${body}`,
      found: { method, target, keepAlive, forwarded: forwarded.join(',') },
    };
  });

describe('the request reader', () => {
  it('finds the same requests wherever the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(requests, { maxLength: 5 }), cuts, (several, places) => {
        const stream = Buffer.from(several.map((one) => one.stream).join(''), 'latin1');
        expect(read(stream, places)).toEqual(several.map((one) => one.found));
      }),
      { numRuns: 3000 },
    );
  });

  it('takes garbage for what it is, wherever that is cut', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'GET ',
        '/x',
        ' HTTP/1.1',
        '\r\n',
        '\r\n\r\n',
        '\r',
        '\n',
        ':',
        ' ',
        'Content-Length: 5',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    );
    const garbage = fc
      .array(piece, { maxLength: 40 })
      .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));
    fc.assert(
      fc.property(garbage, cuts, (stream, places) => {
        const whole = read(stream);
        const requestsOf = (found: (Found | number)[]) => found.filter((one) => typeof one !== 'number');
        expect(requestsOf(read(stream, places))).toEqual(requestsOf(whole));
      }),
      { numRuns: 5000 },
    );
  });

  it.each<[number, string, string]>([
    [400, 'no method', ' / HTTP/1.1\r\n\r\n'],
    [400, 'what begins like TLS', '\x16\x03\x01'],
    [400, 'no target', 'GET HTTP/1.1\r\n\r\n'],
    [400, 'another protocol', 'GET / RTSP/1.0\r\n\r\n'],
    [400, 'HTTP/2', 'GET / HTTP/2.0\r\n\r\n'],
    [400, 'a space in the target', 'GET /a b HTTP/1.1\r\n\r\n'],
    [400, 'a method that does not end', `${'A'.repeat(40)} / HTTP/1.1\r\n\r\n`],
    [400, 'a bare LF', 'GET / HTTP/1.1\nA: b\r\n\r\n'],
    [400, 'a bare LF in a header', 'GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n'],
    [400, 'a bare CR', 'GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n'],
    [400, 'a folded header', 'GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n'],
    [400, 'a space before the colon', 'GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc'],
    [400, 'a NUL', 'GET / HTTP/1.1\r\nA: \0\r\n\r\n'],
    [400, 'two lengths', 'GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    [400, 'a length below zero', 'GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n'],
    [400, 'a length with a sign', 'GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n'],
    [411, 'chunks', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    [
      411,
      'chunks with a length',
      'POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    [413, 'a body of 10 MB', 'POST / HTTP/1.1\r\nContent-Length: 10000000\r\n\r\n'],
    [413, 'a body of 10^14 bytes', 'POST / HTTP/1.1\r\nContent-Length: 100000000000000\r\n\r\n'],
    [414, 'a target of 9 KB', `GET /${'a'.repeat(9000)}`],
    [417, 'an expectation', 'POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n'],
    [431, 'headers of 9 KB', `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(1500)}`],
    [431, 'headers of 9 KB that end', `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(1500)}\r\n`],
  ])('says %i to %s', (status, _, stream) => {
    expect(text(stream)).toEqual([status]);
  });

  it('keeps nothing of what it has read, and no more than a head of what it waits for', () => {
    const reader = new RequestReader('');
    for (let i = 0; i < 100; i++) {
      reader.push(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
      expect([reader.next(), reader.next()]).toEqual([true, false]);
      expect([reader.bytes.length, reader.partial]).toEqual([0, false]);
    }
    expect(() => {
      for (let i = 0; i < 10_000; i++) {
        reader.push(Buffer.from('A'));
        reader.next();
      }
    }).toThrow(BadRequest);
    expect(reader.bytes.length).toBeLessThan(8300);
  });
});
