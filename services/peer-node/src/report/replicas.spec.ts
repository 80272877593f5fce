import { expect, it } from 'vitest';
import { Replicas } from './replicas.ts';

const NAMES = [
  { host: 'metrics.example', port: 6973 },
  { host: 'other.example', port: 1 },
];

/** A resolver that knows what it is told. */
function resolver(addresses: Record<string, readonly string[]>) {
  return async (host: string) => {
    if (addresses[host] === undefined) throw new Error(`ENOTFOUND ${host}`);
    return addresses[host].map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
}

it('are all that the names stand for, and what one stood for that cannot be looked up', async () => {
  const addresses: Record<string, readonly string[]> = { 'metrics.example': ['192.0.2.1', '192.0.2.2'] };
  const replicas = new Replicas(NAMES, resolver(addresses));
  const found = [
    { address: '192.0.2.1', port: 6973, host: 'metrics.example' },
    { address: '192.0.2.2', port: 6973, host: 'metrics.example' },
  ];
  expect(await replicas.look()).toEqual(found);
  delete addresses['metrics.example'];
  addresses['other.example'] = ['2001:db8::1'];
  const other = { address: '2001:db8::1', port: 1, host: 'other.example' };
  expect(await replicas.look()).toEqual([...found, other]);
});

it('are told apart by their addresses of one family, and of the other where nobody answers', async () => {
  const addresses = { 'metrics.example': ['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2'] };
  const replicas = new Replicas(NAMES, resolver(addresses));
  const look = async () => (await replicas.look()).map(({ address }) => address);
  expect(await look()).toEqual(['192.0.2.1', '192.0.2.2']);
  replicas.tryOthers();
  expect(await look()).toEqual(['2001:db8::1', '2001:db8::2']);
});
