import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMetricsConfig } from '@pixtorrent/metrics-service';
import { readPeerConfig } from '@pixtorrent/peer-node-service';
import { readTrackerConfig } from '@pixtorrent/tracker-service';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { run } from '../support/processes.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');

interface Service {
  readonly image: string;
  readonly build?: { readonly target: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly read_only?: boolean;
  readonly stop_grace_period?: string;
  readonly ports?: readonly string[];
}

const VARIABLE = /\$\{(\w+):-([^}]*)\}/g;
const text = readFileSync(join(DEPLOY, 'compose.yaml'), 'utf8');
const { version } = JSON.parse(readFileSync(join(DEPLOY, '../package.json'), 'utf8'));
/** As they are where nothing is set. */
const services: Record<string, Service> = parse(
  text.replaceAll(VARIABLE, (_, _name, fallback) => fallback),
  { merge: true },
).services;

function service(name: string): Service {
  const found = services[name];
  if (found === undefined) throw new Error(`compose.yaml has no ${name}`);
  return found;
}

describe('compose.yaml', () => {
  it.each(['tracker', 'peer-node', 'metrics', 'cli'])('runs the image of %s that is built here', (name) => {
    const { image, build, read_only } = service(name);
    expect(image).toBe(`pixtorrent/${name}:${version}`);
    expect(build?.target).toBe(name);
    expect(read_only).toBe(true);
  });

  it('has settings that the services take', () => {
    const tracker = readTrackerConfig(service('tracker').environment ?? {});
    expect(tracker.store).toBe('redis');
    const watching = readMetricsConfig(service('metrics').environment ?? {});
    expect(watching.tracker).toEqual([{ host: 'tracker', port: tracker.grpcPort }]);
    const { tracker: trackers, metrics, ...node } = readPeerConfig(service('peer-node').environment ?? {});
    expect(trackers).toEqual([{ host: 'tracker', port: tracker.grpcPort }]);
    expect(metrics).toMatchObject([{ host: 'metrics' }]);
    // Told to end, it is given the time that it takes for that at the most.
    const grace = Number.parseInt(service('peer-node').stop_grace_period ?? '', 10) * 1000;
    expect(grace).toBeGreaterThan(node.drainTimeout + node.shutdownTimeout);
  });

  it('publishes ports at this machine alone', () => {
    const ports = Object.values(services).flatMap((each) => each.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('mounts what is there, where Prometheus and Grafana look for it', () => {
    for (const { volumes = [] } of Object.values(services))
      for (const [source = ''] of volumes.map((volume) => volume.split(':')))
        if (source.startsWith('.')) expect(existsSync(join(DEPLOY, source)), source).toBe(true);
    const at = (name: string) => Object.fromEntries(service(name).volumes!.map((each) => each.split(':')));
    const provisioning = parseFile('grafana/provisioning/dashboards/pixtorrent.yaml');
    expect(at('grafana')['./grafana/dashboards']).toBe(provisioning.providers[0].options.path);
    const prometheus = parseFile('prometheus/prometheus.yaml');
    for (const file of prometheus.rule_files)
      expect(existsSync(join(DEPLOY, 'prometheus', file)), file).toBe(true);
    const names = prometheus.scrape_configs.flatMap((job: { dns_sd_configs: { names: string[] }[] }) =>
      job.dns_sd_configs.flatMap((lookup) => lookup.names),
    );
    expect(names.sort()).toEqual(['metrics', 'peer-node', 'tracker']);
  });

  it('falls back to what env.example says of each variable', () => {
    const example = new Map<string, string>();
    for (const [, name, value] of readFileSync(join(DEPLOY, 'env.example'), 'utf8').matchAll(
      /^(\w+)=(.*)$/gm,
    ))
      example.set(name!, value!);
    const used = new Map(Array.from(text.matchAll(VARIABLE), ([, name, fallback]) => [name!, fallback!]));
    expect(Object.fromEntries(example)).toEqual(Object.fromEntries(used));
  });

  it('is taken by docker compose, where there is one', async ({ skip }) => {
    const command = await composeCommand();
    if (command === undefined) skip('docker compose is not installed');
    const config = parse(await run([...command!, '-f', join(DEPLOY, 'compose.yaml'), 'config']));
    expect(Object.keys(config.services)).toEqual(expect.arrayContaining(['redis', 'peer-node', 'grafana']));
  });
});

function parseFile(name: string) {
  return parse(readFileSync(join(DEPLOY, name), 'utf8'));
}

async function composeCommand(): Promise<string[] | undefined> {
  for (const command of [['docker', 'compose'], ['docker-compose']]) {
    try {
      await run([...command, 'version']);
      return command;
    } catch {}
  }
  return undefined;
}
