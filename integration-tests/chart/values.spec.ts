import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { metricsSettings } from '@pixtorrent/metrics-service';
import { peerSettings } from '@pixtorrent/peer-node-service';
import { trackerSettings } from '@pixtorrent/tracker-service';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART } from '../support/helm.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

const schema: Schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'));
const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));

function resolved({ $ref, ...own }: Schema): Schema {
  return $ref === undefined ? own : schema.definitions![$ref.replace('#/definitions/', '')]!;
}

/** Paths of what the schema takes, but for what is handed on to Kubernetes or a service as it is. */
function known(at: Schema, value: unknown, path: string): string[] {
  const { properties } = resolved(at);
  if (
    properties === undefined ||
    typeof value !== 'object' ||
    value === null ||
    Object.keys(value).length === 0
  )
    return [path];
  return Object.entries(properties).flatMap(([key, next]) =>
    known(next, (value as Record<string, unknown>)[key], path === '' ? key : `${path}.${key}`),
  );
}

function given(value: unknown, at: Schema, path: string): string[] {
  const { properties } = resolved(at);
  if (
    properties === undefined ||
    typeof value !== 'object' ||
    value === null ||
    Object.keys(value).length === 0
  )
    return [path];
  return Object.entries(value).flatMap(([key, next]) =>
    given(next, properties[key] ?? {}, path === '' ? key : `${path}.${key}`),
  );
}

it('every value has a default, and the schema knows no other', () => {
  // Helm has it for all charts.
  const all = known(schema, values, '').filter((path) => path !== 'global');
  expect(given(values, schema, '').sort()).toEqual(all.sort());
});

it('every object of the schema refuses what it does not know', () => {
  const open: string[] = [];
  const look = (at: Schema, path: string): void => {
    if (at.properties !== undefined && at.additionalProperties !== false) open.push(path);
    for (const [key, next] of Object.entries(at.properties ?? {})) look(next, `${path}.${key}`);
  };
  look(schema, 'values');
  for (const [name, definition] of Object.entries(schema.definitions!)) look(definition, name);
  expect(open).toEqual([]);
});

/** Variables that follow from other values, or that would cut a part off from the others. */
const OURS = {
  tracker: [
    ...['HOST', 'HTTP_PORT', 'UDP_PORT', 'GRPC_PORT', 'OPS_PORT', 'STORE', 'KEY_FOR', 'ANNOUNCE_KEYS'],
    ...[
      'GRPC_TLS_KEY_FILE',
      'GRPC_TLS_CERT_FILE',
      'GRPC_TLS_CLIENT_CA_FILE',
      'DRAIN_DELAY',
      'SHUTDOWN_TIMEOUT',
    ],
  ].map((name) => `TRACKER_${name}`),
  redis: [
    'URL',
    'SENTINELS',
    'CLUSTER',
    'SENTINEL_NAME',
    'USERNAME',
    'PASSWORD',
    'SENTINEL_PASSWORD',
    'TLS',
    'TLS_CA_FILE',
  ].map((name) => `REDIS_${name}`),
  peerNode: [
    ...[
      'NAME',
      'DIR',
      'HOST',
      'PORT',
      'HTTP_PORT',
      'GRPC_PORT',
      'OPS_PORT',
      'ADVERTISE',
      'TRACKER',
      'TRACKER_KEY',
    ],
    ...['METRICS', 'ZONE', 'MACHINE', 'TOKEN', 'TOKEN_FILE', 'ANNOUNCE', 'INGEST_DIR', 'DRAIN_TIMEOUT'],
    ...[
      'SHUTDOWN_TIMEOUT',
      'TLS_KEY_FILE',
      'TLS_CERT_FILE',
      'TLS_CA_FILE',
      'TLS_PEERS',
      'TLS_CLIENTS',
      'TRACKER_TLS',
    ],
  ].map((name) => `PEER_${name}`),
  metrics: [
    'HOST',
    'GRPC_PORT',
    'HTTP_PORT',
    'TRACKER',
    'TRACKER_TLS',
    'TRACKER_CA_FILE',
    'TLS_KEY_FILE',
    'TLS_CERT_FILE',
    'TLS_CLIENT_CA_FILE',
    'SHUTDOWN_TIMEOUT',
  ].map((name) => `METRICS_${name}`),
};

it.each([
  ['tracker', trackerSettings, [...OURS.tracker, ...OURS.redis]],
  ['peerNode', peerSettings, OURS.peerNode],
  ['metrics', metricsSettings, OURS.metrics],
] as const)('%s.settings takes every variable that the chart does not see to', (part, settings, ours) => {
  const taken = Object.keys(schema.properties![part]!.properties!.settings!.properties!);
  expect([...taken, ...ours].sort()).toEqual(
    Object.values(settings)
      .map(({ name }) => name)
      .sort(),
  );
});

it('the README and the copies in the chart are what they are made from', async () => {
  const script = new URL('../../deploy/chart/generate.ts', import.meta.url).pathname;
  await promisify(execFile)('node_modules/.bin/node', [script, '--check']);
});
