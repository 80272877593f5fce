import { join } from 'node:path';
import { expect, it } from 'vitest';
import { aria2, aria2OverUdp } from '../support/clients/aria2.ts';
import { createByLibtorrent, libtorrent } from '../support/clients/libtorrent.ts';
import { pixtorrent, startGet } from '../support/clients/pixtorrent.ts';
import { transmission } from '../support/clients/transmission.ts';
import { digestTree, writeFileOf } from '../support/content.ts';
import { network } from '../support/namespaces.ts';
import { requirement } from '../support/requirement.ts';
import { scoped } from '../support/scope.ts';
import { startTrackerService } from '../support/tracker-service.ts';

const SIZE = 8_000_000;
const SECONDS = 150;
const PORT = 7001;

/** Nobody knows anybody but by the tracker: each by its own way in. */
it.runIf(requirement('clients'))('is one tracker for all clients, by HTTP, by UDP and by gRPC', () =>
  scoped(async (scope) => {
    const [trackerHost, seedHost, ourHost, lateHost, ...others] = await network(scope, { hosts: 10 });
    const service = await startTrackerService(scope, { host: trackerHost! });
    const { address } = trackerHost!;
    const urls = {
      http: `http://${address}:${service.http}/announce`,
      udp: `udp://${address}:${service.udp}`,
      grpc: `grpc://${address}:${service.grpc}`,
    };
    const content = await scope.folder();
    await writeFileOf(join(content, 'content.bin'), 'tracker service', SIZE);
    const torrents = await scope.folder();
    const torrentBy = async (way: keyof typeof urls): Promise<string> => {
      const torrent = join(torrents, `${way}.torrent`);
      await createByLibtorrent(join(content, 'content.bin'), torrent, urls[way], 65_536);
      return torrent;
    };
    const [http, udp, grpc] = [await torrentBy('http'), await torrentBy('udp'), await torrentBy('grpc')];

    const seed = await pixtorrent.seed(scope, { torrent: grpc, folder: content, host: seedHost, port: PORT });
    const jobs = [
      { client: pixtorrent, torrent: grpc, host: ourHost },
      ...[transmission, aria2, libtorrent].map((client) => ({ client, torrent: http, host: others.shift() })),
      ...[transmission, aria2OverUdp, libtorrent].map((client) => ({
        client,
        torrent: udp,
        host: others.shift(),
      })),
    ];
    const folders: string[] = [];
    await Promise.all(
      jobs.map(async ({ client, torrent, host }) => {
        const folder = await scope.folder();
        folders.push(folder);
        const running = await client.get(scope, { torrent, folder, host, port: PORT });
        await running.complete(SECONDS);
      }),
    );

    // And the other way about: what is left of ours is told of all the others.
    await seed.process.stop();
    const late = await scope.folder();
    const get = await startGet(scope, { torrent: grpc, folder: late, host: lateHost, port: PORT });
    expect((await get.exit(SECONDS)).code).toBe(0);
    const wanted = await digestTree(content);
    expect(await digestTree(late)).toEqual(wanted);
    for (const folder of folders) expect(await digestTree(folder)).toMatchObject(wanted);
  }),
);
