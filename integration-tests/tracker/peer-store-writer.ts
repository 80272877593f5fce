import { createHash } from 'node:crypto';
import { infoHash, peerId, SeededRandom, silentLogger, type Timers } from '@pixtorrent/core';
import { type PeerAnnounce, RedisPeerStore } from '@pixtorrent/tracker';
import { Redis } from 'ioredis';

/**
 * Announces at random to a few swarms, many at the same time, and writes what went wrong as a line of JSON.
 * Arguments: port of Redis, seed, writers, announces of each, peers, milliseconds to live.
 */
const [port, seed, writers, announces, peers, timeToLive] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number,
  number,
  number,
];
const client = new Redis({ host: '127.0.0.1', port, enableAutoPipelining: true });
const timers: Timers = {
  after(delay, callback) {
    const timer = setTimeout(callback, delay);
    return { cancel: () => clearTimeout(timer) };
  },
};
const random = new SeededRandom(seed);
const store = new RedisPeerStore(
  { client, clock: performance, timers, random, logger: silentLogger },
  { timeToLive, sweepInterval: 100 },
);
const hashes = [1, 2, 3].map((n) => infoHash(createHash('sha1').update(`race ${n}`).digest()));
const problems: string[] = [];

async function write(): Promise<void> {
  for (let i = 0; i < announces; i++) {
    const peer = random.below(peers);
    const role = (['leecher', 'leecher', 'seed', 'gone'] as const)[random.below(4)]!;
    const announce: PeerAnnounce = {
      infoHash: hashes[random.below(hashes.length)]!,
      peerId: peerId(createHash('sha1').update(`peer ${peer}`).digest()),
      address: peer % 5 === 0 ? new Uint8Array(16).fill(peer % 256) : Uint8Array.of(10, 0, peer >> 8, peer),
      port: 1000 + peer,
      role,
      left: role === 'seed' ? 0 : 1 + random.below(2 ** 32),
      completed: random.below(3) === 0,
      zone: ['', 'a', 'b'][random.below(3)]!,
      node: ['', `n${peer % 7}`][random.below(2)]!,
      pixwire: peer % 2 === 0,
      numWant: random.below(60),
      families: 'both',
      details: true,
    };
    if (random.below(20) === 0) await store.restore([{ ...announce, age: random.below(timeToLive) }]);
    const { seeders, leechers, peers: given } = await store.announce(announce);
    const count = given.traits.length;
    const most = seeders + leechers - (role === 'gone' ? 0 : 1);
    // One that came too late is given nobody, and told of nobody.
    if (count > Math.max(0, Math.min(most, announce.numWant))) problems.push(`${count} given of ${most}`);
    if (new Set(Buffer.from(given.ids).toString('hex').match(/.{40}/g)).size !== count)
      problems.push('the same peer twice');
  }
}

await Promise.all(Array.from({ length: writers }, write));
process.stdout.write(`${JSON.stringify(problems)}\n`);
await store.close();
client.disconnect();
