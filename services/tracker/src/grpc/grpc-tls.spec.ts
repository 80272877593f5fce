import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js';
import { silentLogger } from '@pixtorrent/core';
import { TestAuthority } from '@pixtorrent/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bootstrap } from '../bootstrap.ts';
import { readTrackerConfig } from '../config/tracker-settings.ts';

const authority = new TestAuthority();

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pix-tracker-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function start(key: string, certificate: string) {
  const paths = { key: join(folder, 'tls.key'), certificate: join(folder, 'tls.crt') };
  await writeFile(paths.key, key);
  await writeFile(paths.certificate, certificate);
  const config = readTrackerConfig({
    TRACKER_HOST: '127.0.0.1',
    TRACKER_HTTP_PORT: 'off',
    TRACKER_UDP_PORT: 'off',
    TRACKER_GRPC_PORT: '0',
    TRACKER_OPS_PORT: '0',
    TRACKER_GRPC_TLS_KEY_FILE: paths.key,
    TRACKER_GRPC_TLS_CERT_FILE: paths.certificate,
  });
  return bootstrap(config, { logger: silentLogger });
}

it('serves gRPC within TLS, and tells when its certificate expires', async () => {
  const { key, certificate } = authority.issue({ hosts: ['127.0.0.1', 'localhost'] });
  const service = await start(key, certificate);
  try {
    const method = {
      path: '/grpc.health.v1.Health/Check',
      requestStream: false,
      responseStream: false,
      requestSerialize: (value: Buffer) => value,
      requestDeserialize: (value: Buffer) => value,
      responseSerialize: (value: Buffer) => value,
      responseDeserialize: (value: Buffer) => value,
    };
    const Health = makeGenericClientConstructor({ check: method }, 'health');
    const trust = credentials.createSsl(Buffer.from(authority.certificate));
    const client = new Health(`127.0.0.1:${service.ports.grpc}`, trust, {
      'grpc.ssl_target_name_override': 'localhost',
    });
    const answer = await new Promise<Buffer>((resolve, reject) => {
      // biome-ignore lint/complexity/useLiteralKeys: a generic client has the methods of its definition
      client['check']!(Buffer.alloc(0), (error: ServiceError | null, bytes: Buffer) =>
        error === null ? resolve(bytes) : reject(error),
      );
    });
    client.close();
    expect([...answer]).toEqual([8, 1]);
    const metrics = await fetch(`http://127.0.0.1:${service.ports.ops}/metrics`);
    expect(await metrics.text()).toMatch(
      /^pixtorrent_tracker_certificate_expires_timestamp_seconds\{files="gRPC certificates"\} \d+$/m,
    );
  } finally {
    await service.close();
  }
});

it('does not start with a key that is of another certificate', async () => {
  const starting = start(authority.issue().key, authority.issue().certificate);
  await expect(starting).rejects.toMatchObject({
    code: 'bad-config',
    message: expect.stringMatching(/^gRPC certificates cannot be used: [^\n]*mismatch/),
  });
});
