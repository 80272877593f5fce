import { draftOf, RedisCatalogStore } from '@pixtorrent/catalog';
import { silentLogger, type Timers } from '@pixtorrent/core';
import { Redis } from 'ioredis';
import { smallTorrent } from './catalog-torrents.ts';

/** Publishes `count` torrents under one name, 16 at a time, and writes the numbers of the versions. */
const [port, who, count] = process.argv.slice(2).map(Number);
const client = new Redis({ host: '127.0.0.1', port: port! });
/** Nothing is watched here. */
const timers: Timers = { after: () => ({ cancel() {} }) };
const store = new RedisCatalogStore({ client, timers, logger: silentLogger }, { maxVersions: 1e6 });
const versions: number[] = [];
let next = 0;
const publisher = async (): Promise<void> => {
  while (next < count!) {
    const torrent = smallTorrent({ content: who! * 1_000_000 + ++next });
    versions.push((await store.publish(draftOf({ name: 'contested', torrent }))).version);
  }
};
await Promise.all(Array.from({ length: 16 }, publisher));
await store.close();
client.disconnect();
console.log(JSON.stringify(versions));
