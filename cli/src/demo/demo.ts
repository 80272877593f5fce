import { rmSync } from 'node:fs';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { peer } from '@pixtorrent/contracts';
import { StorageError } from '@pixtorrent/node-io';
import { answer, soon } from '../cluster/services.ts';
import { openLocal, upload } from '../cluster/upload.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { interrupted, interruption } from '../interrupt.ts';
import { binaryBytes, bytes, counted, strong } from '../output/words.ts';
import { showBoard } from './board.ts';
import { digestFile, generateFile } from './content.ts';
import { type Measured, tell } from './measured.ts';
import { readEnd } from './reading.ts';
import { Swarm } from './swarm.ts';
import type { SwarmNode } from './swarm-node.ts';

export interface DemoOptions {
  /** Beside the one that has the content from the start. */
  readonly nodes: number;
  /** Bytes. */
  readonly size: number;
  /** Whether it goes on running when it has been measured. */
  readonly stay: boolean;
  readonly verbose: boolean;
}

/** What the cluster calls the content, and the file that it is. */
const NAME = 'demo';
const FILE = 'content.bin';

/**
 * A whole swarm on this machine: the tracker and the metrics service in this process, peer-nodes in processes of their
 * own. What is published at one of them comes to all. Nothing of it stays.
 * @throws CliError `not-whole` where a node's file differs, `node-ended`, `interrupted`; StorageError
 */
export async function runDemo(options: DemoOptions, context: Context): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pixtorrent-demo-'));
  const clearAtExit = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clearAtExit);
  try {
    await refuseSmallDisk(folder, options);
    const swarm = await Swarm.start({ folder, ...options }, context);
    try {
      tell(await measure(swarm, folder, options, context), context.output);
      if (options.stay) await stay(swarm, context);
    } finally {
      await swarm.close();
    }
  } catch (error) {
    // A Ctrl-C ends much at once, and only it is news then.
    throw interrupted.aborted ? interrupted.reason : error;
  } finally {
    await rm(folder, { recursive: true, force: true });
    process.off('exit', clearAtExit);
  }
}

async function refuseSmallDisk(folder: string, { nodes, size }: DemoOptions): Promise<void> {
  // The source goes when the seeder has it.
  const needed = (nodes + 1) * size;
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= needed) return;
  const message = `${tmpdir()} has ${bytes(bavail * bsize)} free, and ${bytes(needed)} are needed: choose a smaller --size, or set TMPDIR`;
  throw new StorageError('disk-full', folder, message);
}

async function measure(
  swarm: Swarm,
  folder: string,
  { size }: DemoOptions,
  context: Context,
): Promise<Measured> {
  const { output } = context;
  const { seeder, nodes, services } = swarm;
  output.note(
    `a tracker, a seeder and ${counted(nodes.length, 'node')} start, each node a process of its own`,
  );
  output.note(`watch: ${swarm.pageUrl(NAME)}`);
  const source = join(folder, FILE);
  const sha256 = await generate(source, size, context);
  await orInterrupted(allReady([seeder, ...nodes], context));

  const began = performance.now();
  const { infoHash } = await publish(swarm, source, context);
  const publishSeconds = (performance.now() - began) / 1000;
  await rm(source);
  const hideBoard = showBoard(nodes, size, output.json);
  let reading: Measured['reading'];
  try {
    const last = nodes.at(-1)!;
    const read = last.begun().then(async () => readEnd(last, await swarm.contentUrl(last, NAME), size));
    [reading] = await orInterrupted(
      seeder.orEnd(Promise.all([read, ...nodes.map((node) => node.whole(services, infoHash))])),
    );
  } finally {
    hideBoard();
  }
  const published = await publishedAt(swarm);
  const sentBySeeder = await uploadedBy(swarm, seeder, infoHash);
  output.note('comparing every file with the source');
  for (const node of nodes) await compare(node, infoHash, sha256);
  const nodeSeconds = nodes.map(({ figures }) => (figures.completedMs - published) / 1000);
  return {
    size,
    publishSeconds,
    seconds: Math.max(...nodeSeconds),
    nodeSeconds,
    sentBySeeder,
    reading,
    sha256,
  };
}

async function allReady(nodes: readonly SwarmNode[], { output }: Context): Promise<void> {
  const view = output.progress('starting');
  let ready = 0;
  try {
    await Promise.all(
      nodes.map(async (node) => {
        await node.ready;
        view.update(++ready, nodes.length, `${ready} of ${counted(nodes.length, 'node')}`);
      }),
    );
  } finally {
    view.end();
  }
}

async function generate(path: string, size: number, { output }: Context): Promise<string> {
  output.note(`making a file of ${binaryBytes(size)}`);
  const view = output.progress('making');
  try {
    return await generateFile(path, size, (written) => view.update(written, size));
  } finally {
    view.end();
  }
}

/** Gives the file to the seeder, as `pixtorrent publish` does. */
async function publish(
  { services, seeder }: Swarm,
  path: string,
  { output }: Context,
): Promise<peer.Published> {
  const local = await openLocal(path);
  const { grpc } = await seeder.ready;
  const node = { name: seeder.name, grpcAddress: `127.0.0.1:${grpc}` };
  const publication = { name: NAME, replicas: 0, labels: {}, pieceLength: 0 };
  output.note('publishing it at the seeder');
  const view = output.progress('publishing');
  try {
    return await upload(services, node, publication, local, (done) => view.update(done, local.size));
  } finally {
    view.end();
  }
}

/** When the catalogue took it, milliseconds since 1970. */
async function publishedAt({ services }: Swarm): Promise<number> {
  const { entries } = await services.entries(NAME);
  return entries[0]!.publishedMs;
}

/** Bytes of the content that a node has sent. */
async function uploadedBy({ services }: Swarm, node: SwarmNode, infoHash: Buffer): Promise<number> {
  const { grpc } = await node.ready;
  const client = await services.node(`127.0.0.1:${grpc}`);
  const { torrent } = await answer<peer.GetTorrentResponse>(node.name, (done) =>
    client.getTorrent({ infoHash, pieces: false }, services.authorization(), soon(), done),
  );
  return torrent!.uploaded;
}

async function compare({ dir, name }: SwarmNode, infoHash: Buffer, sha256: string): Promise<void> {
  const digest = await digestFile(join(dir, 'content', infoHash.toString('hex'), FILE));
  if (digest !== sha256) throw new CliError('not-whole', `the file of ${name} differs from the source`);
}

/** Says what can be done with it, and leaves it running. @throws CliError `interrupted` */
async function stay(swarm: Swarm, { output }: Context): Promise<void> {
  const { services, token, nodes } = swarm;
  const urls = await Promise.all(nodes.map((node) => swarm.contentUrl(node, NAME)));
  output.event({
    event: 'running',
    server: services.server,
    token,
    announce: swarm.announceUrl,
    page: swarm.pageUrl(NAME),
    nodes: nodes.map(({ name }, index) => ({ name, url: urls[index] })),
  });
  output.print('');
  output.print(`it runs on until Ctrl-C; watch it at ${strong(swarm.pageUrl(NAME))}, and in another shell:`);
  output.print(`  export PIXTORRENT_SERVER=${services.server} PIXTORRENT_TOKEN=${token}`);
  output.print('  npx pixtorrent status --watch');
  output.print('  npx pixtorrent publish README.md --name readme --wait');
  output.print(`  curl --range 0-99 ${urls[0]} | xxd`);
  await interruption();
}

function orInterrupted<T>(work: Promise<T>): Promise<T> {
  return Promise.race([work, interruption()]);
}
