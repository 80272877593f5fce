import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestAuthority } from '@pixtorrent/testkit';
import type { Namespace } from '../support/kubernetes.ts';
import { FULL_NAME, type ReleaseOptions } from './release.ts';

const SECRET = 'certificates';
const SERVICES = ['tracker', 'content', 'peers', 'metrics', 'reports', 'redis'];

/**
 * Certifies a release that is to come, for all of its services and for who reaches it through a way of its own.
 * @param folder for what the command line shows of itself
 */
export async function certify(namespace: Namespace, folder: string): Promise<ReleaseOptions> {
  const authority = new TestAuthority();
  const domains = [
    '',
    `.${namespace.name}`,
    `.${namespace.name}.svc`,
    `.${namespace.name}.svc.cluster.local`,
  ];
  const hosts = SERVICES.flatMap((service) => domains.map((domain) => `${FULL_NAME}-${service}${domain}`));
  const { key, certificate } = authority.issue({ hosts: [FULL_NAME, ...hosts, 'localhost'] });
  const files = { 'ca.crt': authority.certificate, 'tls.crt': certificate, 'tls.key': key };
  await namespace.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SECRET },
    type: 'kubernetes.io/tls',
    stringData: files,
  });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const [ca, cert, ownKey] = Object.keys(files).map((name) => join(folder, name)) as [string, string, string];
  return {
    values: { tls: { enabled: true, existingSecret: SECRET } },
    flags: ['--tls-ca', ca, '--tls-cert', cert, '--tls-key', ownKey, '--tls-server-name', 'localhost'],
  };
}
