/** What nodes cost that have nothing to do: one with many torrents and connections, and many on one machine. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { credentials, Metadata } from '@grpc/grpc-js';
import { peer } from '@pixtorrent/contracts';
import { type InfoHash, toHex } from '@pixtorrent/core';
import { createMetainfo, parseMetainfo } from '@pixtorrent/metainfo';
import { type PeerNodeProcess, startPeerNode } from '../../integration-tests/support/peer-node.ts';
import { until } from '../../integration-tests/support/processes.ts';
import { type Scope, scoped } from '../../integration-tests/support/scope.ts';
import { handshake } from '../../integration-tests/support/scripted-peer.ts';
import { startTrackerService, type TrackerService } from '../../integration-tests/support/tracker-service.ts';
import { costOf } from '../measure/cost.ts';

const HOST = '127.0.0.1';
const TOKEN = 'a-token-of-the-benchmark';
const TORRENTS = 1000;
const NODES = 30;
const SHARED = 20;
/** Bytes of a torrent's one file. */
const SIZE = 64 * 1024;
/** Seconds for what has just happened to be over, and over which CPU is measured then. */
const CALM = 15;
const IDLE = 30;

interface Idle {
  /** Bytes of all processes together. */
  readonly memory: number;
  /** Share of one core. */
  readonly cpu: number;
}

await scoped(async (scope) => {
  const tracker = await startTrackerService(scope);
  const folder = await scope.folder();
  const alone = await startPeerNode(scope, { tracker, dir: await scope.folder() });
  const empty = await idle([alone]);
  await alone.process.stop();
  row('a node without torrents', empty);

  const hashes = await fill(folder, TORRENTS);
  const full = await startPeerNode(scope, { tracker, dir: folder });
  await whole(full, TORRENTS);
  const seeding = await idle([full]);
  row(`a node with ${TORRENTS} whole torrents`, seeding);
  row('each torrent', part(seeding, empty, TORRENTS));
  for (const infoHash of hashes) await connectTo(scope, full, infoHash);
  const connected = await idle([full]);
  row(`the same with a silent peer for each`, connected);
  row('each connection', part(connected, seeding, TORRENTS));
  await full.process.stop();
});

await scoped(async (scope) => {
  const tracker = await startTrackerService(scope);
  const nodes: PeerNodeProcess[] = [];
  for (let i = 0; i < NODES; i++)
    nodes.push(await startPeerNode(scope, { tracker, env: { PEER_TOKEN: TOKEN } }));
  for (let i = 0; i < SHARED; i++) await publish(nodes[i % NODES]!, `content/${i}`, contentOf(`shared ${i}`));
  for (const node of nodes) await whole(node, SHARED);
  const all = await idle(nodes);
  row(`${NODES} nodes with the same ${SHARED} torrents`, all);
  row('each of them', { memory: all.memory / NODES, cpu: all.cpu / NODES });
  row('their tracker service, memory store', await idle([tracker]));
});

/** Puts whole torrents, as somebody asked for them, into the folder of a node that does not run. */
async function fill(folder: string, count: number): Promise<InfoHash[]> {
  await mkdir(join(folder, 'torrents'), { recursive: true });
  const hashes: InfoHash[] = [];
  for (let i = 0; i < count; i++) {
    const bytes = contentOf(`idle ${i}`);
    const pieceHashes = hash('sha1', bytes, 'buffer');
    const torrent = createMetainfo({ name: `file ${i}`, content: SIZE, pieceLength: SIZE, pieceHashes });
    const { infoHash } = parseMetainfo(torrent);
    hashes.push(infoHash);
    const content = join(folder, 'content', toHex(infoHash));
    await mkdir(content, { recursive: true });
    await writeFile(join(content, `file ${i}`), bytes);
    await writeFile(join(folder, 'torrents', `${toHex(infoHash)}.torrent`), torrent);
    await writeFile(join(folder, 'torrents', `${toHex(infoHash)}.pinned`), '');
  }
  return hashes;
}

function contentOf(seed: string): Buffer {
  return Buffer.alloc(SIZE, seed);
}

/** A peer that has nothing and wants nothing. */
async function connectTo(scope: Scope, node: PeerNodeProcess, infoHash: InfoHash): Promise<void> {
  const socket = connect(node.peer, HOST);
  scope.defer(() => socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(handshake(Buffer.from(infoHash)));
  await new Promise((resolve) => socket.once('data', resolve));
  socket.resume();
}

async function publish(node: PeerNodeProcess, name: string, bytes: Buffer): Promise<void> {
  const client = new peer.PeerServiceClient(`${HOST}:${node.grpc}`, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${TOKEN}`);
  try {
    await new Promise<void>((resolve, reject) => {
      const call = client.upload(metadata, (error) => (error === null ? resolve() : reject(error)));
      call.on('error', () => {});
      const publication = { name, replicas: 0, labels: {}, pieceLength: 0 };
      const content = { $case: 'file', file: 'file' } as const;
      call.write({ part: { $case: 'header', header: { publication, content, size: bytes.length } } });
      call.write({ part: { $case: 'data', data: bytes } });
      call.end();
    });
  } finally {
    client.close();
  }
}

/** Waits until a node has so many whole torrents. */
async function whole(node: PeerNodeProcess, count: number): Promise<void> {
  await until(
    300,
    async () => {
      const text = await (await fetch(`http://${HOST}:${node.ops}/metrics`)).text();
      return new RegExp(`^pixtorrent_peer_torrents\\{.*seeding.*\\} ${count}$`, 'm').test(text) || undefined;
    },
    () => node.process.failure(`has not ${count} whole torrents`),
    500,
  );
}

async function idle(services: readonly (PeerNodeProcess | TrackerService)[]): Promise<Idle> {
  const pids = services.map(({ process }) => process.pid);
  await new Promise((resolve) => setTimeout(resolve, CALM * 1000));
  const cpu = (): number => pids.reduce((sum, pid) => sum + costOf(pid).cpu, 0);
  const [before, from] = [cpu(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, IDLE * 1000));
  const used = ((cpu() - before) / (performance.now() - from)) * 1000;
  return { cpu: used, memory: pids.reduce((sum, pid) => sum + residentMemory(pid), 0) };
}

function residentMemory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) * 1024;
}

function part(with_: Idle, without: Idle, count: number): Idle {
  return { memory: (with_.memory - without.memory) / count, cpu: (with_.cpu - without.cpu) / count };
}

function row(what: string, { memory, cpu }: Idle): void {
  const bytes =
    memory > 2 ** 20 ? `${(memory / 2 ** 20).toFixed(1)} MiB` : `${(memory / 1024).toFixed(1)} KiB`;
  console.log(`| ${what} | ${bytes} | ${(cpu * 100).toFixed(4)} % |`);
}
