import { type InfoHash, toHex } from '@pixtorrent/core';
import type { RedisClient } from '../support/redis-server.ts';

/** A swarm as it lies in Redis, and where it contradicts itself. */
export interface StoredSwarm {
  readonly seeders: number;
  readonly leechers: number;
  readonly problems: readonly string[];
}

const ARRAYS = ['L4', 'S4', 'L6', 'S6'];
/** Bytes of a record before its endpoint. */
const PEER = 21;

/** Reads all keys of a swarm in one moment; `swarm-script.ts` says what they hold. */
export async function readSwarm(client: RedisClient, hash: InfoHash): Promise<StoredSwarm> {
  const swarm = `pix:{${toHex(hash)}}`;
  const labels = ['n', 'N', 'z', 'Z'];
  const sets = (await client.keys(`${swarm}:*`)).filter((key) => labels.includes(key[swarm.length + 1]!));
  const reading = client.multi();
  reading.getBuffer(`${swarm}:h`).hkeysBuffer(`${swarm}:i`).hvalsBuffer(`${swarm}:i`);
  reading.zrangeBuffer(`${swarm}:e`, '0', '-1').hgetall(`${swarm}:d`);
  for (const array of ARRAYS) reading.getBuffer(`${swarm}:${array}`);
  for (const key of sets) reading.smembersBuffer(key);
  const values = ((await reading.exec()) ?? []).map(([, value]) => value);
  const [head, endpoints, entries, expiries, distribution] = values as [
    Buffer | null,
    Buffer[],
    Buffer[],
    Buffer[],
    Record<string, string>,
  ];
  const arrays = values.slice(5, 9) as (Buffer | null)[];
  const members = values.slice(9) as Buffer[][];
  const sizes = ARRAYS.map((_, i) => head?.readUInt32LE(i * 4) ?? 0);
  const [leechers4, seeders4, leechers6, seeders6] = sizes as [number, number, number, number];

  const problems: string[] = [];
  const compare = (what: string, found: Iterable<string>, expected: Iterable<string>) => {
    const [one, other] = [[...found].sort().join(), [...expected].sort().join()];
    if (one !== other) problems.push(`${what}: ${one} in place of ${other}`);
  };
  const labelled: string[] = [];
  const exponents: Record<string, number> = {};
  let there = 0;
  for (const [i, endpoint] of endpoints.entries()) {
    const entry = entries[i]!;
    if (entry.length === 0) continue;
    there++;
    const { slot, record, seed, exponent, zone, node } = parse(entry, endpoint);
    const family = endpoint.length === 6 ? '4' : '6';
    const array = ARRAYS.indexOf(`${seed ? 'S' : 'L'}${family}`);
    if (slot >= sizes[array]!) problems.push(`slot ${slot} of ${sizes[array]}`);
    const start = slot * record.length;
    compare('record', [hex(arrays[array]!.subarray(start, start + record.length))], [hex(record)]);
    if (!seed && exponent < 255) exponents[exponent] = (exponents[exponent] ?? 0) + 1;
    for (const [letter, label] of [
      ['n', node],
      ['z', zone],
    ] as const) {
      if (label === '') continue;
      labelled.push(`${letter}${family}${label} ${hex(record)}`);
      if (!seed) labelled.push(`${letter.toUpperCase()}${family}${label} ${hex(record)}`);
    }
  }
  if (there !== leechers4 + leechers6 + seeders4 + seeders6) problems.push(`${there} of ${sizes.join('+')}`);
  compare('expiries', expiries.map(hex), endpoints.map(hex));
  const kept = sets.flatMap((key, i) =>
    members[i]!.map((record) => `${key.slice(swarm.length + 1)} ${hex(record)}`),
  );
  compare('labels', kept, labelled);
  const distributed = Object.entries(distribution).filter(([, count]) => count !== '0');
  compare('distribution', distributed.map(String), Object.entries(exponents).map(String));
  return { seeders: seeders4 + seeders6, leechers: leechers4 + leechers6, problems };
}

function parse(entry: Buffer, endpoint: Buffer) {
  const identity = entry.subarray(4);
  const zoneEnd = 23 + identity[22]!;
  return {
    slot: entry.readUInt32LE(0),
    record: Buffer.concat([identity.subarray(0, PEER), endpoint]),
    seed: (identity[20]! & 1) !== 0,
    exponent: identity[21]!,
    zone: identity.toString('utf8', 23, zoneEnd),
    node: identity.toString('utf8', zoneEnd),
  };
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex');
}
