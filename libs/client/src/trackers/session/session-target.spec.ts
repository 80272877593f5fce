import { TrackerError } from '@pixtorrent/tracker-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSessionUrl } from './session-target.ts';

describe('parseSessionUrl', () => {
  it.each([
    ['grpc://tracker.example:6970', { host: 'tracker.example', port: 6970, secure: false, announceKey: '' }],
    ['grpcs://192.0.2.1:443/announce', { host: '192.0.2.1', port: 443, secure: true, announceKey: '' }],
    ['GRPC://[2001:db8::1]:1/', { host: '[2001:db8::1]', port: 1, secure: false, announceKey: '' }],
    ['grpc://a:1/k-1/announce', { host: 'a', port: 1, secure: false, announceKey: 'k-1' }],
    ['grpc://a:1/k%20y', { host: 'a', port: 1, secure: false, announceKey: 'k y' }],
    ['grpc://a:1/other?key=k%2B1', { host: 'a', port: 1, secure: false, announceKey: 'k+1' }],
  ])('reads %s', (url, target) => {
    expect(parseSessionUrl(url)).toEqual(target);
  });

  it.each([
    '',
    'http://a:1',
    'grpc://a',
    'grpc://a:0',
    'grpc://:6970',
    'grpc:///tmp/socket',
    'grpc:unix:/tmp/socket',
    'grpc://user:secret@a:1',
    'grpc://a%2fb:1',
    'grpc://-a:1',
    'grpc://a:1/%ff',
    `grpc://a:1/${'k'.repeat(257)}`,
  ])('refuses %j', (url) => {
    expect(() => parseSessionUrl(url)).toThrow(expect.objectContaining({ code: 'unsupported' }));
  });

  it('refuses what it does not understand in no other way, and a host is never anything else', () => {
    const part = fc.string({ unit: 'grapheme', maxLength: 12 });
    fc.assert(
      fc.property(fc.constantFrom('grpc://', 'grpcs://', 'grpc:', ''), part, part, (scheme, host, rest) => {
        try {
          const target = parseSessionUrl(`${scheme}${host}:6970${rest}`);
          expect(target.host).toMatch(/^[\w.-]+$|^\[[0-9a-f:.]+\]$/i);
          expect(target.port).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(TrackerError);
        }
      }),
      { numRuns: 10_000 },
    );
  });
});
