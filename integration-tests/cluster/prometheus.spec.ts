import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hastened, readRules } from '../metrics/alert-rules.ts';
import { filled, questions } from '../metrics/dashboards.ts';
import { Namespace } from '../support/kubernetes.ts';
import { until } from '../support/processes.ts';
import type { PrometheusServer } from '../support/prometheus-server.ts';
import { requirement } from '../support/requirement.ts';
import { Scope } from '../support/scope.ts';
import { Contents, MB } from './contents.ts';
import { startPrometheus } from './prometheus.ts';
import { FULL_NAME, Release } from './release.ts';

/** Rules are as they are installed, with all times so many times as short. */
const HASTE = 20;

describe.runIf(requirement('cluster'))('Prometheus beside a release', { timeout: 300_000 }, () => {
  const scope = new Scope();
  let release: Release;
  let contents: Contents;
  let server: PrometheusServer;

  beforeAll(async () => {
    const namespace = await Namespace.create(scope, 'pix-prometheus');
    ({ release } = await Release.install(scope, namespace));
    contents = new Contents(release, await scope.folder());
    server = await startPrometheus(scope, namespace, {
      'rules.yaml': hastened(readRules('rules.yaml'), HASTE),
      'alerts.yaml': hastened(readRules('alerts.yaml'), HASTE),
    });
  }, 400_000);

  afterAll(() => scope.close(), 120_000);

  function firing(name: string): Promise<boolean> {
    return server
      .alerts()
      .then((alerts) => alerts.some(({ labels, state }) => labels.alertname === name && state === 'firing'));
  }

  it('finds every pod by its annotations, and is let in', async () => {
    const parts = ['tracker', 'peer-node', 'metrics'] as const;
    const pods = (await Promise.all(parts.map((part) => release.pods(part)))).flat();
    await expect
      .poll(async () => (await server.query('up == 1')).map(({ metric }) => metric.pod).sort(), {
        timeout: 60_000,
      })
      .toEqual(pods.map(({ metadata }) => metadata.name).sort());
  });

  it('has an answer for every panel of every dashboard', async () => {
    await contents.publish('shown', 50 * MB, '--wait');
    await contents.publish('alone', 5 * MB, '--wait', '--replicas', '1');
    // It reads from every node.
    await release.test();
    const rollOuts = await Promise.all(['shown', 'alone'].map((name) => release.rollOut(name)));
    const any = { namespace: release.namespace.name, job: '.*', instance: '.*', __rate_interval: '10s' };
    const unanswered = new Set(questions);
    await until(
      90,
      async () => {
        for (const question of unanswered)
          for (const rollOut of rollOuts) {
            const expr = filled(question.expr, { ...any, swarm: rollOut!.infoHash });
            if ((await server.query(expr)).length > 0) unanswered.delete(question);
          }
        return unanswered.size === 0 || undefined;
      },
      () =>
        new Error(`no answer: ${[...unanswered].map(({ where, expr }) => `${where}: ${expr}`).join('\n')}`),
      500,
    );
    expect(await server.ruleErrors()).toEqual(new Map());
  });

  it('alerts while Redis is gone', async () => {
    const redis = `statefulset/${FULL_NAME}-redis`;
    await release.namespace.kubectl(['scale', redis, '--replicas=0']);
    await expect.poll(() => firing('PixTorrentTrackerDegraded'), { timeout: 90_000 }).toBe(true);
    await release.namespace.kubectl(['scale', redis, '--replicas=1']);
    await expect.poll(() => firing('PixTorrentTrackerDegraded'), { timeout: 90_000 }).toBe(false);
  });
});
