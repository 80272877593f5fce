import { endpointKey } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CliError } from './errors.ts';
import { count, endpoint, many, one, port, rate, seconds } from './options.ts';

describe('options', () => {
  it.each([
    ['192.0.2.7:6881', { host: '192.0.2.7', port: 6881 }],
    ['[2001:db8::1]:1', { host: '2001:db8::1', port: 1 }],
    ['peer.example:65535', { host: 'peer.example', port: 65_535 }],
  ])('a peer %s', (text, expected) => {
    expect(endpoint(text, 'peer')).toEqual(expected);
  });

  it.each([
    '',
    'host',
    'host:',
    ':6881',
    'host:0',
    'host:65536',
    '2001:db8::1',
    '2001:db8::1:6881',
    '[::1]',
    'a b:1',
  ])('no peer: "%s"', (text) => {
    expect(() => endpoint(text, 'peer')).toThrow(/--peer/);
  });

  it('reads back every endpoint, and refuses all else as wrong usage', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    const endpoints = fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) });
    fc.assert(
      fc.property(endpoints, (value) => {
        expect(endpoint(endpointKey(value), 'peer')).toEqual(value);
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[[\]:.0-9a-z]{0,20}$/)), (text) => {
        for (const read of [endpoint, port, rate, seconds, count]) {
          try {
            read(text, 'option');
          } catch (error) {
            expect(error).toBeInstanceOf(CliError);
          }
        }
      }),
      { numRuns: 10_000 },
    );
  });

  it('an option that is given once may not be given twice', () => {
    expect(one('port', port)('6881')).toBe(6881);
    expect(() => one('port', port)(['1', '2'])).toThrow('--port was given more than once');
    expect(many('port', port)(['1', '2'])).toEqual([1, 2]);
  });

  it.each([['65536'], ['-1'], ['1.5'], ['x'], ['']])('no port: "%s"', (text) => {
    expect(() => port(text, 'port')).toThrow(/--port/);
  });
});
