import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { cluster } from '@pixtorrent/contracts';
import { CliError } from '../errors.ts';
import type { Output } from '../output/output.ts';
import { chooseNode } from './choose-node.ts';
import { answer, type Services, soon } from './services.ts';
import { openLocal, upload } from './upload.ts';
import { waitForAll } from './wait.ts';

export interface PassAroundOptions {
  /** Bytes. */
  readonly size: number;
  readonly output: Output;
  /** Rejected when it has taken too long. */
  readonly deadline: Promise<never>;
}

/**
 * Gives content to one node, waits until every node has it, reads it from each over HTTP, and removes it.
 * @returns the nodes that it came back from
 * @throws CliError where one of them does not give what was given
 */
export async function passAround(services: Services, options: PassAroundOptions): Promise<string[]> {
  const { deadline, size, output } = options;
  deadline.catch(() => {});
  const bytes = randomBytes(size);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const name = `pixtorrent-check-${digest.slice(0, 12)}`;
  const folder = await mkdtemp(join(tmpdir(), 'pixtorrent-check-'));
  const view = output.progress('publishing');
  try {
    const path = join(folder, 'check.bin');
    await writeFile(path, bytes);
    const local = await openLocal(path);
    const node = chooseNode(await services.nodes(), { name, replicas: 'all' }, undefined);
    const publication = { name, replicas: 0, labels: {}, pieceLength: 0 };
    const publish = upload(services, node, publication, local, (done) => view.update(done, size, node.name));
    const { version } = await Promise.race([publish, deadline]);
    view.end();
    await Promise.race([waitForAll(services, { name, version }, output), deadline]);
    const nodes = (await services.nodes()).filter(({ state }) => state === READY);
    return await Promise.race([readFromEach(services, nodes, { name, digest }), deadline]);
  } finally {
    view.end();
    await rm(folder, { recursive: true, force: true });
    await remove(services, name);
  }
}

const READY = cluster.NodeState.NODE_STATE_READY;

async function readFromEach(
  services: Services,
  nodes: readonly cluster.Node[],
  { name, digest }: { readonly name: string; readonly digest: string },
): Promise<string[]> {
  const read: string[] = [];
  for (const node of nodes) {
    const response = await services.content(node.httpAddress, name);
    const hash = createHash('sha256');
    for await (const chunk of response) hash.update(chunk);
    if (response.statusCode !== 200 || hash.digest('hex') !== digest) {
      const what = `answers ${response.statusCode} with something else than was published`;
      throw new CliError('not-whole', `node ${node.name} at ${node.httpAddress} ${what}`);
    }
    read.push(node.name);
  }
  return read;
}

/** It may not have come so far that there is anything. */
async function remove(services: Services, name: string): Promise<void> {
  const request = { name, version: 0 };
  await answer('the tracker service', (done) =>
    services.catalog.remove(request, new Metadata(), soon(), done),
  ).catch(() => {});
}
