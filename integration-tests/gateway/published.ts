import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { Client, createTorrent } from '@pixtorrent/client';
import { catalog } from '@pixtorrent/contracts';
import { type Metainfo, parseMetainfo } from '@pixtorrent/metainfo';
import { until } from '../support/processes.ts';
import type { Scope } from '../support/scope.ts';
import type { TrackerService } from '../support/tracker-service.ts';

export interface PublishOptions {
  readonly name: string;
  /** The file or folder. */
  readonly path: string;
  /** Nodes that are to hold it. @default all */
  readonly replicas?: number;
  readonly pieceLength?: number;
}

/** Has a catalogue name some content, and a client in this process seed it. */
export async function publish(
  scope: Scope,
  tracker: TrackerService,
  { name, path, replicas, pieceLength }: PublishOptions,
): Promise<Metainfo> {
  const torrent = await createTorrent(path, pieceLength === undefined ? {} : { pieceLength });
  const metainfo = parseMetainfo(torrent);
  const client = await Client.open({ host: '127.0.0.1' });
  scope.defer(() => client.close());
  const trackers = [`grpc://127.0.0.1:${tracker.grpc}`];
  const session = await client.seed(metainfo, { dir: join(path, '..'), trackers });
  let announced = false;
  session.on('tracker', (_, status) => {
    announced ||= status.type === 'working';
  });
  session.start();
  const wire = new catalog.CatalogServiceClient(`127.0.0.1:${tracker.grpc}`, credentials.createInsecure());
  scope.defer(() => wire.close());
  const request: catalog.PublishRequest = {
    name,
    torrent: Buffer.from(torrent),
    replicas: replicas === undefined ? undefined : { wanted: { $case: 'count', count: replicas } },
    labels: {},
    afterVersion: 0,
  };
  await new Promise<void>((resolve, reject) => {
    wire.publish(request, (error) => (error ? reject(error) : resolve()));
  });
  await until(
    10,
    () => announced || undefined,
    () => new Error(`nobody knows who has ${name}`),
    10,
  );
  return metainfo;
}

/** Waits until a node knows of a name. */
export async function whenNamed(node: { readonly http: number }, name: string): Promise<void> {
  await until(
    10,
    async () => {
      const response = await fetch(`http://127.0.0.1:${node.http}/v1/content/${name}/`);
      await response.arrayBuffer();
      return response.ok || undefined;
    },
    () => new Error(`${name} is not known`),
    20,
  );
}
