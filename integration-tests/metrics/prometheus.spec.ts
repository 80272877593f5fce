import { Placement } from '@pixtorrent/cluster';
import { describe, expect, it } from 'vitest';
import { makeContent, NodeSwarm } from '../peer-node/node-swarm.ts';
import { startMetricsService } from '../support/metrics-service.ts';
import { until } from '../support/processes.ts';
import { type Alert, PrometheusServer, type Sample } from '../support/prometheus-server.ts';
import { requirement } from '../support/requirement.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { hastened, readConfiguration, readRules, rulesOf, selectors } from './alert-rules.ts';
import { dashboards, filled, type Question, questions, type Variable } from './dashboards.ts';

const HOST = '127.0.0.1';
const NAMESPACE = 'tests';
/** Rules are as they are installed, with all times so many times as short. */
const HASTE = 20;
const [RULES, ALERTS] = [hastened(readRules('rules.yaml'), HASTE), hastened(readRules('alerts.yaml'), HASTE)];
/** Bytes; a node that gets so many a second is a straggler. */
const SIZE = 24e6;
const SLOW = 128 * 1024;
/** Of the nodes; the last is that of the slow one. */
const ZONES = ['here', 'here', 'there', 'there', 'there'] as const;

const SWARMS = dashboards.flatMap(({ templating }) => templating.list).find(({ name }) => name === 'swarm')!;

/** Starts Prometheus by the configuration that is installed, but for where services are and how often it asks. */
function startPrometheus(scope: Scope, ports: Readonly<Record<string, readonly number[]>>) {
  const configuration = readConfiguration();
  return PrometheusServer.start(scope, {
    'rules.yaml': RULES,
    'alerts.yaml': ALERTS,
    'prometheus.json': {
      ...configuration,
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      scrape_configs: configuration.scrape_configs.map(({ job_name }) => {
        const targets = ports[job_name]!.map((port) => `${HOST}:${port}`);
        return { job_name, static_configs: [{ targets, labels: { namespace: NAMESPACE } }] };
      }),
    },
  });
}

/** Questions that have had no answer yet. */
class Unanswered {
  readonly #questions: Map<string, Question>;
  readonly #server: PrometheusServer;

  constructor(server: PrometheusServer, asked: readonly Question[]) {
    this.#server = server;
    this.#questions = new Map(asked.map((question) => [`${question.where}: ${question.expr}`, question]));
  }

  /** Where, and what was asked. */
  get all(): readonly string[] {
    return [...this.#questions.keys()];
  }

  /** @param swarms info hashes of those that may have an answer */
  async ask(swarms: readonly string[]): Promise<void> {
    for (const [key, { expr, labels }] of this.#questions)
      for (const swarm of swarms) {
        const variables = { namespace: '.*', job: '.*', instance: '.*', swarm, __rate_interval: '10s' };
        const answers = await this.#server.query(filled(expr, variables));
        if (answers.some((answer) => isAnswer(answer, labels))) this.#questions.delete(key);
      }
  }
}

function isAnswer({ metric, value }: Sample, labels: readonly string[]): boolean {
  return !Number.isNaN(value) && labels.every((label) => metric[label] !== undefined);
}

/** What there is to choose from for a variable, as Grafana finds it. */
async function choices(server: PrometheusServer, { definition = '', regex = '' }: Variable) {
  const text = filled(definition, { namespace: '.*', job: '.*' });
  const [, series, label] = /^label_values\((.*), (\w+)\)$/.exec(text) ?? [];
  if (series !== undefined) return server.labelValues(label!, series);
  const [, expression] = /^query_result\((.*)\)$/.exec(text) ?? [];
  const pattern = new RegExp(regex.slice(1, -1));
  const lines = (await server.query(expression!)).map(({ metric: { __name__, ...labels }, value }) => {
    const pairs = Object.entries(labels).map(([name, of]) => `${name}="${of}"`);
    return `${__name__}{${pairs.join(',')}} ${value} 0`;
  });
  return lines.map((line) => ({ ...pattern.exec(line)?.groups }));
}

describe.runIf(requirement('redis') && requirement('promtool'))('Prometheus, of a swarm that lives', () => {
  it(
    'answers what every panel and every rule asks, and alerts while a swarm is slow, at risk or stalled',
    () =>
      scoped(async (scope) => {
        const swarm = await NodeSwarm.start(scope, 0);
        const metrics = await startMetricsService(scope, undefined, {
          METRICS_TRACKER: `${HOST}:${swarm.tracker.grpc}`,
        });
        // What nobody asks for is read all the same, again and again: so there is always something to tell of disks.
        const env = { PEER_METRICS: `${HOST}:${metrics.grpc}`, PEER_SCRUB_INTERVAL: '2s' };
        const fast = await Promise.all(
          ZONES.slice(0, 4).map((PEER_ZONE, n) =>
            swarm.add({ name: `fast-${n}`, env: { ...env, PEER_ZONE } }),
          ),
        );
        const slow = await swarm.add({
          name: 'slow',
          env: { ...env, PEER_ZONE: ZONES[4]!, PEER_DOWNLOAD_RATE: `${SLOW}B` },
        });
        const server = await startPrometheus(scope, {
          'pixtorrent-tracker': [swarm.tracker.ops],
          'pixtorrent-peer-node': swarm.nodes.map(({ ops }) => ops),
          'pixtorrent-metrics': [metrics.http],
        });
        const unanswered = new Unanswered(server, questions);
        const swarms: string[] = [];

        const firing = async (): Promise<readonly Alert[]> =>
          (await server.alerts()).filter(({ state }) => state === 'firing');
        /** Waits until an alert for something fires, or no longer does; whatever panels ask is asked meanwhile. */
        const alerts = (alertname: string, about: string, isOn: boolean): Promise<Alert | true> => {
          const name = about === '' ? {} : { about };
          let seen = '';
          return until(
            60,
            async () => {
              await unanswered.ask(swarms);
              const now = await firing();
              seen = JSON.stringify(now.map(({ labels }) => labels));
              const found = now.find(
                ({ labels }) =>
                  labels.alertname === alertname &&
                  (name.about === undefined || Object.values(labels).includes(about)),
              );
              return isOn ? found : found === undefined || undefined;
            },
            () => new Error(`${alertname} of ${about} is ${isOn ? 'not there' : 'there still'}: ${seen}`),
            500,
          );
        };

        const placement = new Placement(
          [...fast, slow].map(({ name }, n) => ({ name, state: 'ready', zone: ZONES[n]!, diskUsed: 0 })),
        );
        const holder = swarm.nodes.find(({ name }) => name === placement.holders('models/alone', 1)[0])!;
        const alone = await swarm.publish(holder, 'models/alone', await makeContent(scope, 'alone', 2e6, 1), {
          replicas: 1,
        });
        const big = await swarm.publish(fast[0]!, 'models/big', await makeContent(scope, 'big', SIZE));
        swarms.push(big.infoHash, alone.infoHash);
        await swarm.allHold(big, 30, fast);

        await alerts('PixTorrentStraggler', 'models/big@1', true);
        const risk = await alerts('PixTorrentPieceAtRisk', 'models/alone@1', true);
        expect(risk).toMatchObject({
          labels: { severity: 'warning', namespace: NAMESPACE, info_hash: alone.infoHash },
          annotations: { summary: 'One node alone has pieces of models/alone@1' },
        });
        // Who reads it gets it, and has it too.
        const reader = fast.find((node) => node !== holder)!;
        const url = `http://${HOST}:${reader.http}/v1/content/models/alone/0/file%200.bin`;
        expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(2e6);
        await alerts('PixTorrentPieceAtRisk', 'models/alone@1', false);

        for (const node of fast) node.process.signal('SIGSTOP');
        await alerts('PixTorrentServiceDown', `${HOST}:${fast[0]!.ops}`, true);
        await alerts('PixTorrentSwarmStalled', 'models/big@1', true);
        for (const node of fast) node.process.signal('SIGCONT');
        await alerts('PixTorrentSwarmStalled', 'models/big@1', false);
        await alerts('PixTorrentServiceDown', `${HOST}:${fast[0]!.ops}`, false);

        await alerts('PixTorrentStraggler', 'models/big@1', true);
        await swarm.limitDownload(slow, 0);
        await swarm.allHold(big, 30);
        await alerts('PixTorrentStraggler', 'models/big@1', false);

        await until(
          60,
          async () => {
            await unanswered.ask(swarms);
            return unanswered.all.length === 0 || undefined;
          },
          () => new Error(`nothing answers: ${unanswered.all.join('\n')}`),
          500,
        );
        expect(await server.ruleErrors()).toEqual(new Map());
        const named = [...rulesOf(RULES), ...rulesOf(ALERTS)].flatMap(({ expr }) => selectors(expr));
        for (const selector of new Set(named))
          expect([selector, await server.query(selector)]).not.toEqual([selector, []]);
        for (const variable of dashboards.flatMap(({ templating }) => templating.list)) {
          if (variable.type !== 'query') continue;
          expect([variable.definition, await choices(server, variable)]).not.toEqual([
            variable.definition,
            [],
          ]);
        }
        expect(await choices(server, SWARMS)).toEqual(
          expect.arrayContaining([{ text: 'models/big@1', value: big.infoHash }]),
        );
        for (const { record } of rulesOf(RULES))
          expect([record, await server.query(record!)]).not.toEqual([record, []]);
      }),
    180_000,
  );
});
