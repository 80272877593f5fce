import { parseIp } from '@pixtorrent/tracker-protocol';
import { describe, expect, it } from 'vitest';
import { Networks } from './networks.ts';

describe('networks', () => {
  it.each<[string, string, boolean]>([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['192.0.2.128/25', '192.0.2.127', false],
    ['192.0.2.128/25', '192.0.2.200', true],
    ['192.0.2.1/32', '192.0.2.1', true],
    ['192.0.2.1/32', '192.0.2.0', false],
    ['0.0.0.0/0', '192.0.2.0', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['::ffff:10.0.0.0/104', '10.3.2.1', true],
    ['::/0', '10.3.2.1', false],
  ])('%s and %s: %s', (network, address, inside) => {
    expect(new Networks(['203.0.113.0/24', network]).has(parseIp(address)!)).toBe(inside);
  });

  it.each([
    '',
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0/8',
    '10.0.0.0/8/8',
    '::/129',
    '::ffff:10.0.0.0/64',
  ])('refuse "%s"', (network) => {
    expect(() => new Networks([network])).toThrow(RangeError);
  });
});
