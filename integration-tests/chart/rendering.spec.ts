import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readMetricsConfig } from '@pixtorrent/metrics-service';
import { readPeerConfig } from '@pixtorrent/peer-node-service';
import { readTrackerConfig } from '@pixtorrent/tracker-service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHART, helm } from '../support/helm.ts';
import { Scope } from '../support/scope.ts';
import { environmentOf, writeCertificates } from './environment.ts';
import { type Manifest, problemsOf } from './kubernetes-types.ts';
import { one, pods, rendered } from './rendered.ts';

const FILES = readdirSync(join(CHART, 'ci'));
/** It mounts a folder of the machine, which is what a `restricted` namespace is there to forbid. */
const UNRESTRICTED = 'daemonset-values.yaml';

/** What pods take from elsewhere, by its kind and name: whoever installs the chart brings it. */
const BROUGHT: Readonly<Record<string, readonly string[]>> = {
  'external-redis-values.yaml': ['redis-login', 'redis-authority'],
  'sentinel-values.yaml': ['redis-login'],
  'tls-secret-values.yaml': ['pixtorrent-tls', 'pixtorrent-auth', 'pixtorrent-redis'],
  'placed-values.yaml': ['registry-login'],
};

const scope = new Scope();
let folder: string;

beforeAll(async () => {
  folder = await scope.folder();
  await writeCertificates(folder);
});

afterAll(() => scope.close());

it('a field that Kubernetes does not know, one of another type and one that is missing are found', async () => {
  const deployment = structuredClone(one(await rendered(), 'Deployment', 'tracker'));
  const pod = deployment.spec.template.spec;
  pod.terminationGracePeriod = 5;
  pod.containers[0].ports[0].containerPort = '6969';
  delete pod.containers[0].name;
  const at = 'Deployment swarm-pixtorrent-tracker.spec.template.spec';
  expect(problemsOf(deployment).sort()).toEqual([
    `${at}.containers[0].ports[0].containerPort is "6969", and not a number`,
    `${at}.containers[0]: name is missing`,
    `${at}.terminationGracePeriod is not known`,
  ]);
});

describe.each(FILES)('with ci/%s', (file) => {
  const values = ['-f', join(CHART, 'ci', file)];
  let manifests: readonly Manifest[];

  beforeAll(async () => {
    manifests = await rendered(...values);
  });

  it('helm has nothing to complain of', async () => {
    const { code, stdout } = await helm('lint', '--strict', CHART, ...values);
    expect([code, stdout]).toEqual([0, expect.stringContaining('1 chart(s) linted, 0 chart(s) failed')]);
  });

  it('every object has the fields and types that Kubernetes knows', () => {
    expect(manifests.length).toBeGreaterThan(5);
    expect(manifests.flatMap(problemsOf)).toEqual([]);
  });

  it('no two objects are the same', () => {
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
    expect(names).toEqual([...new Set(names)]);
    expect(new Set(manifests.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['content']));
  });

  it('the services understand what they are told', () => {
    const secrets = manifests.filter(({ kind }) => kind === 'Secret');
    const readers = { tracker: readTrackerConfig, 'peer-node': readPeerConfig, metrics: readMetricsConfig };
    const read = new Set<string>();
    for (const { spec } of pods(manifests))
      for (const container of spec.containers) {
        const reader = readers[container.name as keyof typeof readers];
        if (reader === undefined) continue;
        expect(() => reader(environmentOf(container, secrets, folder))).not.toThrow();
        read.add(container.name);
      }
    expect([...read]).toEqual(expect.arrayContaining(['tracker', 'peer-node']));
  });

  it('what pods take is there', () => {
    const named = (kind: string): string[] =>
      manifests.filter((manifest) => manifest.kind === kind).map(({ metadata }) => metadata.name);
    const secrets = [
      ...named('Secret'),
      ...manifests.filter(({ kind }) => kind === 'Certificate').map(({ spec }) => spec.secretName),
      ...(BROUGHT[file] ?? []),
    ];
    const taken = JSON.stringify(pods(manifests));
    const names = (pattern: RegExp): string[] => [...taken.matchAll(pattern)].map(([, name]) => name!);
    const wanted = [
      ...names(/"secretName":"([^"]+)"/g),
      ...names(/"secretKeyRef":\{"name":"([^"]+)"/g),
      ...names(/"imagePullSecrets":\[\{"name":"([^"]+)"/g),
    ];
    expect(wanted.length).toBeGreaterThan(0);
    expect(secrets).toEqual(expect.arrayContaining(wanted));
    expect(named('ConfigMap')).toEqual(expect.arrayContaining(names(/"configMap":\{"name":"([^"]+)"/g)));
  });

  it('every service leads to a port of pods', () => {
    const services = manifests.filter(({ kind }) => kind === 'Service');
    for (const { metadata, spec } of services) {
      const behind = manifests.filter(({ spec: { template } = {} }) =>
        Object.entries(spec.selector).every(([key, label]) => template?.metadata?.labels[key] === label),
      );
      expect([metadata.name, behind.length]).toEqual([metadata.name, 1]);
      // biome-ignore lint/suspicious/noExplicitAny: the shape of a container is checked elsewhere
      const ports = behind[0]!.spec.template.spec.containers[0].ports.map((port: any) => port.name);
      for (const { targetPort } of spec.ports) expect(ports).toContain(targetPort);
    }
    const hosts = [...JSON.stringify(pods(manifests)).matchAll(/"(?:redis:\/\/)?([a-z-]+):(\d+)"/g)];
    expect(hosts.length).toBeGreaterThan(0);
    for (const [, host, port] of hosts) {
      const service = services.find(({ metadata }) => metadata.name === host);
      // biome-ignore lint/suspicious/noExplicitAny: the shape of a service is checked elsewhere
      const ports = service?.spec.ports.map((each: any) => each.port);
      expect([host, ports]).toEqual([host, expect.arrayContaining([Number(port)])]);
    }
  });

  it('no pod has rights that it does not need', () => {
    for (const { name, spec } of pods(manifests)) {
      const { automountServiceAccountToken, enableServiceLinks, securityContext } = spec;
      expect({ name, automountServiceAccountToken, enableServiceLinks }).toEqual({
        name,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
      });
      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(securityContext.runAsUser).toBeGreaterThan(0);
      for (const container of spec.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(container.resources.limits).not.toHaveProperty('cpu');
        expect(Object.keys(container.resources.requests)).toEqual(['cpu', 'memory']);
      }
      if (file === UNRESTRICTED) continue;
      expect(spec).not.toHaveProperty('initContainers');
      for (const volume of spec.volumes) {
        const [source] = Object.keys(volume).filter((key) => key !== 'name');
        expect(['configMap', 'emptyDir', 'secret']).toContain(source);
      }
    }
  });
});
