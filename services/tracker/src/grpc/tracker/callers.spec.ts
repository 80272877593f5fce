import { parseIp } from '@pixtorrent/tracker-protocol';
import { expect, it } from 'vitest';
import { Callers } from './callers.ts';

const callers = new Callers(['10.0.0.0/8', '2001:db8::/32']);
const of = (peer: string) => callers.of({ getPeer: () => peer });

it.each([
  ['10.1.2.3:5000', '10.1.2.3', true],
  ['::ffff:10.1.2.3:5000', '10.1.2.3', true],
  ['192.0.2.1:5000', '192.0.2.1', false],
  ['2001:db8::1:5000', '2001:db8::1', true],
  ['::1:5000', '::1', false],
  ['fe80::1%eth0:5000', 'fe80::1', false],
])('knows where %s is, and whether it is trusted', (peer, address, trusted) => {
  expect(of(peer)).toEqual({ address: parseIp(address), trusted });
});

it('has no peer where the connection is gone', () => {
  expect(() => of('unknown')).toThrow('no IP address');
});
