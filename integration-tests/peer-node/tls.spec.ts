import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { peer } from '@pixtorrent/contracts';
import { type IssuedCertificate, TestAuthority } from '@pixtorrent/testkit';
import { describe, expect, it } from 'vitest';
import { type PeerNodeProcess, startPeerNode } from '../support/peer-node.ts';
import { until } from '../support/processes.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { startTrackerService } from '../support/tracker-service.ts';
import { metricsOf } from './node-swarm.ts';

const TOKEN = 'a-token-of-the-integration-tests';
const SIZE = 3_000_000;
const authority = new TestAuthority();
const stranger = new TestAuthority('another authority');

/** Paths of a key, its certificate and the authority of all. */
async function files(scope: Scope, { key, certificate }: IssuedCertificate) {
  const folder = await scope.folder();
  const paths = { key: join(folder, 'key'), certificate: join(folder, 'crt'), ca: join(folder, 'ca') };
  await writeFile(paths.key, key);
  await writeFile(paths.certificate, certificate);
  await writeFile(paths.ca, authority.certificate);
  return paths;
}

function client(scope: Scope, { grpc }: PeerNodeProcess, by: TestAuthority): peer.PeerServiceClient {
  const { key, certificate } = by.issue();
  const trust = credentials.createSsl(
    Buffer.from(authority.certificate),
    Buffer.from(key),
    Buffer.from(certificate),
  );
  const made = new peer.PeerServiceClient(`127.0.0.1:${grpc}`, trust, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.ssl_target_name_override': 'localhost',
  });
  scope.defer(() => made.close());
  return made;
}

function upload(to: peer.PeerServiceClient): Promise<peer.UploadResponse> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${TOKEN}`);
  return new Promise((resolve, reject) => {
    const call = to.upload(metadata, { deadline: Date.now() + 30_000 }, (error, response) =>
      error === null ? resolve(response) : reject(error),
    );
    call.on('error', () => {});
    const publication = { name: 'models/a', replicas: 0, labels: {}, pieceLength: 0 };
    const content = { $case: 'file', file: 'a.bin' } as const;
    call.write({ part: { $case: 'header', header: { publication, content, size: SIZE } } });
    for (let sent = 0; sent < SIZE; sent += 500_000)
      call.write({ part: { $case: 'data', data: Buffer.alloc(500_000, sent / 500_000) } });
    call.end();
  });
}

function torrents(of: peer.PeerServiceClient): Promise<readonly peer.Torrent[] | number> {
  return new Promise((resolve) => {
    of.listTorrents(
      { pageSize: 0, pageToken: '' },
      new Metadata(),
      { deadline: Date.now() + 5000 },
      (error: ServiceError | null, answer) => resolve(error === null ? answer.torrents : error.code),
    );
  });
}

describe('a cluster within TLS', () => {
  it('spreads what it is given, and has nothing to do with strangers', () =>
    scoped(async (scope) => {
      const issued = () => files(scope, authority.issue({ hosts: ['127.0.0.1', 'localhost'] }));
      const ofTracker = await issued();
      const tracker = await startTrackerService(scope, {
        env: {
          TRACKER_GRPC_TLS_KEY_FILE: ofTracker.key,
          TRACKER_GRPC_TLS_CERT_FILE: ofTracker.certificate,
          TRACKER_GRPC_TLS_CLIENT_CA_FILE: ofTracker.ca,
        },
      });
      const start = async (name: string): Promise<PeerNodeProcess> => {
        const own = await issued();
        return startPeerNode(scope, {
          tracker,
          name,
          env: {
            PEER_TOKEN: TOKEN,
            PEER_DRAIN_TIMEOUT: '0s',
            PEER_TRACKER_TLS: 'true',
            PEER_TLS_PEERS: 'require',
            PEER_TLS_CLIENTS: 'true',
            PEER_TLS_KEY_FILE: own.key,
            PEER_TLS_CERT_FILE: own.certificate,
            PEER_TLS_CA_FILE: own.ca,
          },
        });
      };
      const [first, second] = [await start('first'), await start('second')];
      expect((await upload(client(scope, first, authority))).published).toMatchObject({ size: SIZE });
      const reader = client(scope, second, authority);
      await until(
        30,
        async () => {
          const found = await torrents(reader);
          return typeof found === 'object' && found[0]?.state === peer.TorrentState.TORRENT_STATE_SEEDING
            ? true
            : undefined;
        },
        () => second.process.failure('does not get it'),
      );
      expect(await torrents(client(scope, second, stranger))).toBe(status.UNAVAILABLE);

      const plain = connect(second.peer, '127.0.0.1');
      scope.defer(() => plain.destroy());
      plain.on('error', () => {}).write('\x13BitTorrent protocol');
      await until(
        10,
        async () =>
          (await metricsOf(second)).get('pixtorrent_peer_connections_refused_total{reason="plain"}') === 1
            ? true
            : undefined,
        () => second.process.failure('does not say that it refused one'),
      );
    }));
});
