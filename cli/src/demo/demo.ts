import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTorrent } from '@pixtorrent/client';
import { StorageError } from '@pixtorrent/node-io';
import { startHttpTracker } from '@pixtorrent/tracker';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { interrupted, interruption } from '../interrupt.ts';
import { binaryBytes, bytes, counted } from '../output/words.ts';
import { showBoard } from './board.ts';
import { digestFile, generateFile } from './content.ts';
import { type Measured, tell } from './measured.ts';
import { SwarmNode } from './swarm-node.ts';

export interface DemoOptions {
  readonly nodes: number;
  /** Bytes. */
  readonly size: number;
  readonly verbose: boolean;
}

const HOST = '127.0.0.1';
const FILE = 'content.bin';

/**
 * A whole swarm on this machine: a tracker in this process, a seeder and some nodes in processes of their own, which
 * find each other by it. Nothing of it stays.
 * @throws CliError `not-whole` where a node's file differs, `node-ended`, `interrupted`; StorageError
 */
export async function runDemo(options: DemoOptions, context: Context): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pixtorrent-demo-'));
  const clearAtExit = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clearAtExit);
  try {
    await refuseSmallDisk(folder, options);
    tell(await measure(folder, options, context), context.output);
  } catch (error) {
    // A Ctrl-C reaches the nodes too, and their end is no news then.
    throw interrupted.aborted ? interrupted.reason : error;
  } finally {
    await rm(folder, { recursive: true, force: true });
    process.off('exit', clearAtExit);
  }
}

async function refuseSmallDisk(folder: string, { nodes, size }: DemoOptions): Promise<void> {
  const needed = (nodes + 1) * size;
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= needed) return;
  const message = `${tmpdir()} has ${bytes(bavail * bsize)} free, and ${bytes(needed)} are needed: choose a smaller --size, or set TMPDIR`;
  throw new StorageError('disk-full', folder, message);
}

async function measure(folder: string, options: DemoOptions, context: Context): Promise<Measured> {
  const { output, logger } = context;
  const { size, verbose } = options;
  const source = join(folder, 'seeder');
  await mkdir(source);
  const sha256 = await generate(join(source, FILE), size, context);

  const tracker = await startHttpTracker({ host: HOST, port: 0, logger });
  const running: SwarmNode[] = [];
  try {
    const torrent = join(folder, `${FILE}.torrent`);
    const content = join(source, FILE);
    await writeFile(
      torrent,
      await createTorrent(content, { trackers: [[tracker.url]], signal: interrupted }),
    );
    const start = (name: string, command: string, dir: string, ...more: string[]): SwarmNode => {
      const node = new SwarmNode(name, [command, torrent, '--dir', dir, '--host', HOST, ...more], verbose);
      running.push(node);
      return node;
    };
    output.note(`tracker on ${tracker.url}`);
    const seeder = start('seeder', 'seed', source);
    await orInterrupted(seeder.ready);
    output.note(`seeder and ${counted(options.nodes, 'node')} start, each a process of its own`);
    const folders = Array.from({ length: options.nodes }, (_, index) => join(folder, `node-${index + 1}`));
    const nodes = folders.map((dir, index) => start(`node ${index + 1}`, 'get', dir, '--stay'));

    const hideBoard = showBoard(nodes, size, output.json);
    let seconds: number;
    try {
      seconds = await orInterrupted(Promise.race([secondsOf(nodes), endOf(seeder)]));
      // What the seeder sent last is in its next figures.
      await orInterrupted(seeder.nextFigures());
    } finally {
      hideBoard();
    }
    const sentBySeeder = seeder.figures.uploaded;
    await stopAll(running);
    output.note('comparing every file with the source');
    for (const [index, dir] of folders.entries()) await compare(join(dir, FILE), sha256, index + 1);
    return { size, seconds, nodeSeconds: nodes.map((node) => node.seconds!), sentBySeeder, sha256 };
  } finally {
    await stopAll(running);
    await tracker.close();
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

async function secondsOf(nodes: readonly SwarmNode[]): Promise<number> {
  const [ready, whole] = await Promise.all([
    Promise.all(nodes.map((node) => node.ready)),
    Promise.all(nodes.map((node) => node.whole)),
  ]);
  return (Math.max(...whole) - Math.min(...ready)) / 1000;
}

/** Rejects when a seeder ends; it is whole from the start, and says nothing of it. */
function endOf(seeder: SwarmNode): Promise<never> {
  return seeder.whole as Promise<never>;
}

async function compare(path: string, sha256: string, node: number): Promise<void> {
  const digest = await digestFile(path);
  if (digest !== sha256) throw new CliError('not-whole', `the file of node ${node} differs from the source`);
}

async function stopAll(nodes: SwarmNode[]): Promise<void> {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
}

function orInterrupted<T>(work: Promise<T>): Promise<T> {
  return Promise.race([work, interruption()]);
}
