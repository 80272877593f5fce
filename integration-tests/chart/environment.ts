import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestAuthority } from '@pixtorrent/testkit';
import type { Manifest } from './kubernetes-types.ts';

/** What Kubernetes fills in, for instance. */
const FIELDS: Readonly<Record<string, string>> = {
  'metadata.name': 'swarm-pixtorrent-peer-node-0',
  'spec.nodeName': 'machine-7.example',
  'status.podIP': '10.1.2.3',
};

/** Puts a certificate into `folder`, in the place of what is mounted. */
export async function writeCertificates(folder: string): Promise<void> {
  const authority = new TestAuthority();
  const { key, certificate } = authority.issue();
  const files = { 'tls.key': key, 'tls.crt': certificate, 'ca.crt': authority.certificate };
  await Promise.all(Object.entries(files).map(([name, pem]) => writeFile(join(folder, name), pem)));
}

/** The environment of a container as its process sees it, but for files, which are in `folder`. */
// biome-ignore lint/suspicious/noExplicitAny: the shape of a container is checked elsewhere
export function environmentOf(container: any, secrets: readonly Manifest[], folder: string) {
  const environment: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env) {
    if (name in environment) throw new Error(`${name} is set twice`);
    environment[name] =
      value?.replace(/^\/(?:tls|redis-tls)\//, `${folder}/`) ?? filledIn(valueFrom, secrets);
  }
  return environment;
}

// biome-ignore lint/suspicious/noExplicitAny: the shape of a container is checked elsewhere
function filledIn({ fieldRef, secretKeyRef }: any, secrets: readonly Manifest[]): string {
  if (fieldRef !== undefined)
    return fieldRef.fieldPath.startsWith('metadata.labels[') ? '' : FIELDS[fieldRef.fieldPath]!;
  const secret = secrets.find(({ metadata }) => metadata.name === secretKeyRef.name);
  // What somebody else made is not known here.
  return secret === undefined
    ? 'from-elsewhere'
    : Buffer.from(secret.data[secretKeyRef.key], 'base64').toString();
}
