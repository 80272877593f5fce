import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ServedNode } from '../fixtures/served-node.ts';
import { reading } from './reading.ts';

const SIZE = 200_000;
let node: ServedNode;

beforeAll(async () => {
  // What it reports goes nowhere: that it would is counted all the same.
  node = await ServedNode.start({ env: { PEER_DISK_BUDGET: '1GiB', PEER_METRICS: '127.0.0.1:1' } });
});

afterAll(() => node.close());

async function text(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${node.service.ports.ops}/metrics`)).text();
}

it('tells what the node holds and what became of what was brought', async () => {
  await node.upload({}, [randomBytes(SIZE)]);
  await expect.poll(() => node.metric('torrents{condition="seeding"}')).toBe(1);
  await expect(node.upload({ size: 5 }, [Buffer.alloc(4)])).rejects.toThrow();
  const lines = (await text()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'pixtorrent_peer_registered 1',
      'pixtorrent_peer_catalogue_current 1',
      'pixtorrent_peer_catalogue_entries 1',
      'pixtorrent_peer_cluster_nodes{state="ready"} 1',
      'pixtorrent_peer_torrents{condition="failed"} 0',
      `pixtorrent_peer_content_bytes{kind="planned"} ${SIZE}`,
      `pixtorrent_peer_content_bytes{kind="verified"} ${SIZE}`,
      'pixtorrent_peer_content_bytes{kind="budget"} 1073741824',
      'pixtorrent_peer_ingests_total{result="published"} 1',
      'pixtorrent_peer_ingests_total{result="failed"} 1',
      `pixtorrent_peer_ingest_bytes_total ${SIZE + 4}`,
      'pixtorrent_peer_peer_bytes_total{direction="received",wire="pixwire"} 0',
      'pixtorrent_peer_bans_total{cause="stalls"} 0',
      'pixtorrent_peer_disk_up 1',
      'pixtorrent_peer_draining 0',
    ]),
  );
  expect(lines).toContainEqual(
    expect.stringMatching(/^pixtorrent_peer_disk_read_seconds_bucket\{le="0\.0001"\} /),
  );
});

it('names what the manual names', async () => {
  const document = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');
  const [, table] = document.split('all names begin with `pixtorrent_peer_`:');
  const named = [...table!.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([a-z0-9_]+)`/g)].map(([, name]) => name!),
  );
  expect(named.length).toBeGreaterThan(30);
  const told = new Set(
    [...(await text()).matchAll(/^# TYPE pixtorrent_peer_(\S+)/gm)].map(([, name]) => name!),
  );
  expect(named.filter((name) => !told.has(name))).toEqual([]);
});

it('reads once what several metrics tell, and anew the next time', async () => {
  let reads = 0;
  const read = reading(() => ++reads);
  expect([read(), read()]).toEqual([1, 1]);
  await nextTurn();
  await nextTurn();
  expect(read()).toBe(2);
});
