import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aria2 } from '../support/clients/aria2.ts';
import type { Client, Endpoint } from '../support/clients/client.ts';
import { createByLibtorrent, libtorrent } from '../support/clients/libtorrent.ts';
import { opentracker, opentrackerUrl } from '../support/clients/opentracker.ts';
import { createTorrent, pixtorrent, startGet, startTracker } from '../support/clients/pixtorrent.ts';
import { transmission } from '../support/clients/transmission.ts';
import { AWKWARD_TREE, digestTree, writeFileOf, writeTree } from '../support/content.ts';
import { type Host, network } from '../support/namespaces.ts';
import { requirement } from '../support/requirement.ts';
import { Scope, scoped } from '../support/scope.ts';

const SECONDS = 120;
const SEED_PORT = 7001;
const GET_PORT = 7002;

/** A folder that holds one content, and what is in it. */
interface Content {
  readonly folder: string;
  readonly name: string;
  readonly digests: Readonly<Record<string, string>>;
}

/** How the two find each other: by a tracker, or told by hand. */
type Meeting = 'our tracker' | 'a given peer';

describe.runIf(requirement('clients'))('a real client', () => {
  const shared = new Scope();
  const contents: Record<string, Content> = {};

  beforeAll(async () => {
    contents['a folder'] = await contentOf(shared, 'awkward tree', (path) => writeTree(path, AWKWARD_TREE));
    contents['20 MB'] = await contentOf(shared, 'file.bin', (path) => writeFileOf(path, 'small', 20_000_000));
    contents['200 MB'] = await contentOf(shared, 'file.bin', (path) =>
      writeFileOf(path, 'large', 200_000_000),
    );
  });
  afterAll(() => shared.close());

  for (const client of [libtorrent, aria2, transmission]) {
    for (const size of ['a folder', client === transmission ? '20 MB' : '200 MB']) {
      for (const meeting of ['our tracker', 'a given peer'] as const) {
        it(`${client.name} seeds ${size} to ours, by ${meeting}`, () =>
          scoped((scope) => theyGive(scope, client, contents[size]!, meeting)));
      }
      for (const meeting of client.takesPeers
        ? (['our tracker', 'a given peer'] as const)
        : (['our tracker'] as const)) {
        it(`${client.name} takes ${size} from ours, by ${meeting}`, () =>
          scoped((scope) => theyTake(scope, client, contents[size]!, meeting)));
      }
    }
  }

  it("brings ours together by somebody else's tracker", () =>
    scoped(async (scope) => {
      const content = contents['a folder']!;
      const [trackerHost, seedHost, getHost] = await threeHosts(scope);
      const torrent = join(await scope.folder(), 'content.torrent');
      const path = join(content.folder, content.name);
      const infoHash = await createByLibtorrent(path, torrent, opentrackerUrl(trackerHost));
      await opentracker(scope, [infoHash], trackerHost);
      await pixtorrent.seed(scope, { torrent, folder: content.folder, host: seedHost, port: SEED_PORT });
      await weGet(scope, torrent, getHost, [], content);
    }));
});

async function theyGive(scope: Scope, client: Client, content: Content, meeting: Meeting): Promise<void> {
  const [trackerHost, seedHost, getHost] = await threeHosts(scope);
  const tracker = meeting === 'our tracker' ? await startTracker(scope, trackerHost) : '';
  const torrent = join(await scope.folder(), 'content.torrent');
  await createByLibtorrent(join(content.folder, content.name), torrent, tracker);
  const seed = await client.seed(scope, { torrent, folder: content.folder, host: seedHost, port: SEED_PORT });
  const peers = meeting === 'our tracker' ? [] : [{ host: seedHost.address, port: SEED_PORT }];
  try {
    await weGet(scope, torrent, getHost, peers, content);
  } catch (error) {
    throw seed.process.failure(`did not give: ${error}`);
  }
}

async function theyTake(scope: Scope, client: Client, content: Content, meeting: Meeting): Promise<void> {
  const [trackerHost, seedHost, getHost] = await threeHosts(scope);
  const tracker = meeting === 'our tracker' ? ['--tracker', await startTracker(scope, trackerHost)] : [];
  const torrent = join(await scope.folder(), 'content.torrent');
  await createTorrent(join(content.folder, content.name), torrent, ...tracker);
  const seed = await pixtorrent.seed(scope, {
    torrent,
    folder: content.folder,
    host: seedHost,
    port: SEED_PORT,
  });
  const folder = await scope.folder();
  const peers = meeting === 'our tracker' ? [] : [{ host: seedHost.address, port: SEED_PORT }];
  const get = await client.get(scope, { torrent, folder, host: getHost, port: GET_PORT, peers });
  try {
    await get.complete(SECONDS);
  } catch (error) {
    throw seed.process.failure(`did not give: ${error}`);
  }
  await get.process.stop();
  expect(await digestTree(folder)).toEqual(expectedFrom(client, content));
}

async function weGet(
  scope: Scope,
  torrent: string,
  host: Host,
  peers: readonly Endpoint[],
  content: Content,
): Promise<void> {
  const folder = await scope.folder();
  const get = await startGet(scope, { torrent, folder, host, port: GET_PORT, peers });
  const exit = await get.exit(SECONDS);
  if (exit.code !== 0) throw get.failure('did not succeed');
  expect(await digestTree(folder)).toEqual(content.digests);
}

/** Transmission 3.00 leaves out the files that have no bytes. */
function expectedFrom(client: Client, content: Content): Readonly<Record<string, string>> {
  if (client.makesEmptyFiles) return content.digests;
  return Object.fromEntries(Object.entries(content.digests).filter(([name]) => !name.endsWith('/empty.bin')));
}

async function threeHosts(scope: Scope): Promise<[Host, Host, Host]> {
  const [tracker, seed, get] = await network(scope, { hosts: 3 });
  return [tracker!, seed!, get!];
}

async function contentOf(
  scope: Scope,
  name: string,
  write: (path: string) => Promise<void>,
): Promise<Content> {
  const folder = await scope.folder();
  await write(join(folder, name));
  return { folder, name, digests: await digestTree(folder) };
}
