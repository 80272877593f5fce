import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART, helm } from '../support/helm.ts';
import type { Manifest } from './kubernetes-types.ts';
import { one, rendered } from './rendered.ts';

const FILES = join(CHART, 'files');

function ci(name: string): string[] {
  return ['-f', join(CHART, 'ci', `${name}-values.yaml`)];
}

function set(...values: readonly string[]): string[] {
  return values.flatMap((value) => ['--set', value]);
}

/** The variables of the first container, as they are written. */
function variables(workload: Manifest): Record<string, unknown> {
  const { env } = workload.spec.template.spec.containers[0];
  return Object.fromEntries(env.map(({ name, value, valueFrom }: Manifest) => [name, value ?? valueFrom]));
}

it('a node has as long as it takes to hand over what only it has', async () => {
  const node = one(await rendered(...set('peerNode.drainSeconds=300')), 'StatefulSet', 'peer-node');
  const { containers, terminationGracePeriodSeconds } = node.spec.template.spec;
  expect(variables(node)).toMatchObject({ PEER_DRAIN_TIMEOUT: '300s', PEER_SHUTDOWN_TIMEOUT: '20s' });
  expect(containers[0].lifecycle.preStop.sleep.seconds).toBe(2);
  expect(terminationGracePeriodSeconds).toBeGreaterThan(300 + 20 + 2);
});

it.each([
  ['20Gi', '18432MiB'],
  ['1Ti', '943718MiB'],
  ['100Mi', '90MiB'],
])('of %s %s are for content', async (size, budget) => {
  const node = one(await rendered(...set(`peerNode.storage.size=${size}`)), 'StatefulSet', 'peer-node');
  expect(variables(node)).toMatchObject({ PEER_DISK_BUDGET: budget });
});

it('a node of a DaemonSet is called like its machine, whose disk it has', async () => {
  const node = one(await rendered(...ci('daemonset')), 'DaemonSet');
  expect(variables(node)).toMatchObject({
    PEER_NAME: { fieldRef: { fieldPath: 'spec.nodeName' } },
    PEER_DISK_BUDGET: '200GiB',
  });
  expect(node.spec).not.toHaveProperty('replicas');
});

it('nodes are in the zone that their pods are labelled with, or that is given', async () => {
  const labelled = one(await rendered(), 'StatefulSet', 'peer-node');
  const fieldPath = "metadata.labels['topology.kubernetes.io/zone']";
  expect(variables(labelled)).toMatchObject({ PEER_ZONE: { fieldRef: { fieldPath } } });
  const given = one(await rendered(...ci('placed')), 'StatefulSet', 'peer-node');
  expect(variables(given)).toMatchObject({ PEER_ZONE: 'west' });
});

it('what follows its load is not told how many it is', async () => {
  const manifests = await rendered(...ci('public'));
  for (const [kind, name] of [
    ['Deployment', 'tracker'],
    ['StatefulSet', 'peer-node'],
  ] as const) {
    expect(one(manifests, kind, name).spec).not.toHaveProperty('replicas');
    const { scaleTargetRef } = one(manifests, 'HorizontalPodAutoscaler', name).spec;
    expect(scaleTargetRef).toMatchObject({ kind, name: one(manifests, kind, name).metadata.name });
  }
});

it('clients outside of the cluster reach announces, and no gRPC', async () => {
  const outside = (await rendered(...ci('public'))).filter(
    ({ kind, spec }) => kind === 'Service' && spec.type !== undefined && spec.type !== 'ClusterIP',
  );
  expect(outside.map(({ metadata }) => metadata.name)).toEqual(['swarm-pixtorrent-announce']);
  expect(outside[0]!.spec.ports.map(({ name }: Manifest) => name)).toEqual(['http', 'udp']);
});

it('an announce key is made for the trackers, and given to the nodes', async () => {
  const manifests = await rendered(...ci('public'));
  const key = { secretKeyRef: { name: 'swarm-pixtorrent-auth', key: 'announce-key' } };
  expect(variables(one(manifests, 'Deployment', 'tracker'))).toMatchObject({ TRACKER_ANNOUNCE_KEYS: key });
  expect(variables(one(manifests, 'StatefulSet', 'peer-node'))).toMatchObject({ PEER_TRACKER_KEY: key });
  const made = Buffer.from(one(manifests, 'Secret', 'auth').data['announce-key'], 'base64').toString();
  expect(made).toMatch(/^[A-Za-z0-9]{40}$/);
});

it('a new password restarts Redis and those who show it', async () => {
  const annotations = async (password: string) => {
    const manifests = await rendered(...set(`redis.auth.password=${password}`));
    return [one(manifests, 'StatefulSet', 'redis'), one(manifests, 'Deployment', 'tracker')].map(({ spec }) =>
      JSON.stringify(spec.template.metadata.annotations),
    );
  };
  const [before, after] = [await annotations('one'), await annotations('two')];
  expect(before[0]).not.toBe(after[0]);
  expect(before[1]).not.toBe(after[1]);
});

it('tokens that are given are one a line', async () => {
  const { data } = one(await rendered(...ci('placed')), 'Secret', 'auth');
  const tokens = Buffer.from(data.tokens, 'base64').toString();
  expect(tokens).toBe('the-first-of-two-tokens\nthe-second-of-two-tokens');
});

it('the network lets nothing through but what is needed', async () => {
  for (const name of ['default', 'public', 'external-redis']) {
    const policies = (await rendered(...ci(name))).filter(({ kind }) => kind === 'NetworkPolicy');
    const everything = one(policies, 'NetworkPolicy', '-default').spec;
    expect(everything.policyTypes).toEqual(['Ingress', 'Egress']);
    expect(everything.podSelector.matchLabels).not.toHaveProperty('app.kubernetes.io/component');
    for (const rule of policies.flatMap(({ spec }) => spec.ingress ?? [])) expect(rule.from).not.toEqual([]);
    for (const rule of policies.flatMap(({ spec }) => spec.egress ?? [])) expect(rule.to).not.toEqual([]);
  }
  const redis = one(await rendered(), 'NetworkPolicy', '-redis').spec;
  const component = (name: string) => ({
    podSelector: { matchLabels: expect.objectContaining({ 'app.kubernetes.io/component': name }) },
  });
  expect(redis.ingress).toEqual([{ ports: [{ port: 6379 }], from: [component('tracker')] }]);
  expect(redis).not.toHaveProperty('egress');
  const { ingress } = one(await rendered(...ci('public')), 'NetworkPolicy', '-tracker').spec;
  const ports = ingress.map(({ ports: [{ port }] }: Manifest) => port);
  // Nobody is to see the metrics there: a rule that names nobody would let everybody in.
  expect(ports).toEqual([6969, 6970]);
});

it('each part is certified for the names by which it is called', async () => {
  const certificates = (await rendered(...ci('cert-manager'))).filter(({ kind }) => kind === 'Certificate');
  const names = Object.fromEntries(certificates.map(({ metadata, spec }) => [metadata.name, spec.dnsNames]));
  const common = expect.arrayContaining(['swarm-pixtorrent']);
  const called = (name: string) => expect.arrayContaining(['swarm-pixtorrent', name, `${name}.content.svc`]);
  expect(names).toEqual({
    'swarm-pixtorrent-ca': undefined,
    'swarm-pixtorrent-client': common,
    'swarm-pixtorrent-tracker': called('swarm-pixtorrent-tracker'),
    'swarm-pixtorrent-peer-node': called('swarm-pixtorrent-content'),
    'swarm-pixtorrent-metrics': called('swarm-pixtorrent-reports'),
    'swarm-pixtorrent-redis': called('swarm-pixtorrent-redis'),
  });
});

it('an operator of Prometheus is told of every part, and has the rules as they are', async () => {
  const manifests = await rendered(...ci('placed'));
  const monitors = manifests.filter(({ kind }) => kind === 'PodMonitor');
  expect(monitors.map(({ metadata }) => metadata.name).sort()).toEqual([
    'content-metrics',
    'content-peer-node',
    'content-tracker',
  ]);
  const groups = ['alerts', 'rules'].flatMap(
    (name) => parse(readFileSync(join(FILES, 'rules', `${name}.yaml`), 'utf8')).groups,
  );
  expect(groups.length).toBeGreaterThan(1);
  expect(one(manifests, 'PrometheusRule').spec.groups).toEqual(groups);
});

it('a cluster that knows no operator is not asked for its kinds', async () => {
  const { code, stdout } = await helm('template', 'swarm', CHART);
  expect([code, stdout]).toEqual([0, expect.not.stringMatching(/^apiVersion: monitoring/m)]);
  expect(stdout).toContain('prometheus.io/scrape');
});

it('dashboards are found by the sidecar of Grafana, unchanged', async () => {
  const { metadata, data } = one(await rendered(...ci('placed')), 'ConfigMap', 'dashboard-pixtorrent-swarm');
  expect(metadata.labels.grafana_dashboard).toBe('1');
  expect(metadata.annotations).toEqual({ grafana_folder: 'PixTorrent' });
  const original = readFileSync(join(FILES, 'dashboards', 'pixtorrent-swarm.json'), 'utf8');
  expect(JSON.parse(data['pixtorrent-swarm.json'])).toEqual(JSON.parse(original));
});

it.each(['default', 'cert-manager', 'daemonset', 'empty-dir', 'tls-secret'])(
  'what is said after an install with ci/%s names what there is',
  async (name) => {
    const { stdout } = await helm(
      'install',
      'swarm',
      CHART,
      '--dry-run=client',
      '-n',
      'content',
      ...ci(name),
    );
    const [, notes] = stdout.split('\nNOTES:\n');
    const manifests = await rendered(...ci(name));
    const secrets = manifests.flatMap(({ kind, metadata, spec }) =>
      kind === 'Secret' ? [metadata.name] : kind === 'Certificate' ? [spec.secretName] : [],
    );
    const services = manifests.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
    const named = (pattern: RegExp) => [...notes!.matchAll(pattern)].map(([, what]) => what);
    expect(named(/service\/(\S+)/g).length).toBeGreaterThan(0);
    expect(services).toEqual(expect.arrayContaining(named(/service\/(\S+)/g)));
    expect([...secrets, 'pixtorrent-auth', 'pixtorrent-tls']).toEqual(
      expect.arrayContaining(named(/get secret (\S+)/g)),
    );
    const [, kind, workload] = /rollout status (\w+)\/(\S+)/.exec(notes!) ?? [];
    expect(manifests.map((each) => `${each.kind.toLowerCase()}/${each.metadata.name}`)).toContain(
      `${kind}/${workload}`,
    );
  },
);
