import { tracker as wire } from '@pixtorrent/contracts';
import { infoHash, peerId } from '@pixtorrent/core';
import type { MemberChange } from '@pixtorrent/tracker';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { endpointKey } from './endpoint-key.ts';
import { SwarmBatch } from './swarm-batch.ts';

const HASH = infoHash(new Uint8Array(20).fill(7));
const changes = fc.uniqueArray(
  fc.record({
    type: fc.constantFrom('joined' as const, 'left' as const),
    peerId: fc.uint8Array({ minLength: 20, maxLength: 20 }).map(peerId),
    address: fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    ),
    port: fc.integer({ min: 1, max: 65_535 }),
    seed: fc.boolean(),
    pixwire: fc.boolean(),
  }),
  { maxLength: 60, selector: ({ address, port }) => endpointKey(address, port) },
);

function told(message: Buffer | undefined): string[] {
  if (message === undefined) return [];
  const decoded = wire.SessionResponse.decode(message).message;
  if (decoded?.$case !== 'change') throw new Error('no change');
  expect(decoded.change.infoHash).toEqual(Buffer.from(HASH));
  const all = [
    ...decoded.change.joined.map((peer) => ['joined', peer] as const),
    ...decoded.change.left.map((peer) => ['left', peer] as const),
  ];
  expect(all.length).toBeGreaterThan(0);
  return all.map(([type, peer]) => wordOf(type, { ...peer, seed: peer.seeder })).sort();
}

function wordOf(type: string, peer: Omit<MemberChange, 'type' | 'peerId'> & { peerId: Uint8Array }): string {
  const { address, port, peerId: id, seed, pixwire } = peer;
  return [
    type,
    Buffer.from(address).toString('hex'),
    port,
    Buffer.from(id).toString('hex'),
    seed,
    pixwire,
  ].join();
}

it('says what the messages would say if each were encoded by itself', () => {
  fc.assert(
    fc.property(changes, fc.nat(), fc.boolean(), (list, pick, seed) => {
      const byEndpoint = new Map(list.map((change) => [endpointKey(change.address, change.port), change]));
      const batch = new SwarmBatch(HASH, byEndpoint);
      const own = list[pick % (list.length + 1)];
      const endpoint = own === undefined ? 'elsewhere' : endpointKey(own.address, own.port);
      const wanted = (without?: MemberChange) =>
        list
          .filter((change) => change !== without && !(seed && change.seed))
          .map((change) => wordOf(change.type, change))
          .sort();
      // Those who are in it and those who are not get theirs from the same batch, in any order.
      expect(told(batch.messageFor({ endpoint, seed }))).toEqual(wanted(own));
      expect(told(batch.messageFor({ endpoint: 'nowhere', seed }))).toEqual(wanted());
      expect(told(batch.messageFor({ endpoint: 'nowhere', seed }))).toEqual(wanted());
    }),
  );
});

it('gives the same bytes to all who are told the same', () => {
  const change = (port: number, seed: boolean): [string, MemberChange] => {
    const address = Uint8Array.of(10, 0, 0, 1);
    return [
      endpointKey(address, port),
      { type: 'joined', peerId: peerId(new Uint8Array(20)), address, port, seed, pixwire: false },
    ];
  };
  const batch = new SwarmBatch(HASH, new Map([change(1, true), change(2, false)]));
  for (const seed of [true, false])
    expect(batch.messageFor({ endpoint: 'a', seed })).toBe(batch.messageFor({ endpoint: 'b', seed }));
});
