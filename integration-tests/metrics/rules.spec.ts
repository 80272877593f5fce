import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { run } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { PROMETHEUS_FOLDER, readConfiguration, readRules, rulesOf } from './alert-rules.ts';

/** As far as this looks at it. */
interface Cases {
  readonly tests: readonly {
    readonly alert_rule_test?: readonly {
      readonly alertname: string;
      readonly exp_alerts: readonly unknown[];
    }[];
    readonly promql_expr_test?: readonly {
      readonly expr: string;
      readonly exp_samples: readonly unknown[];
    }[];
  }[];
}

const DOCS = fileURLToPath(new URL('../../', import.meta.url));
const RULES = [`${PROMETHEUS_FOLDER}rules.yaml`, `${PROMETHEUS_FOLDER}alerts.yaml`];
const CASES = readdirSync(`${PROMETHEUS_FOLDER}tests`).map((name) => `${PROMETHEUS_FOLDER}tests/${name}`);

const alerts = rulesOf(readRules('alerts.yaml'));
const recorded = rulesOf(readRules('rules.yaml'));
const cases = CASES.flatMap((path) => (parse(readFileSync(path, 'utf8')) as Cases).tests);

describe.runIf(requirement('promtool'))('the rules', () => {
  it('are ones that Prometheus takes', async () => {
    expect(await run(['promtool', 'check', 'rules', ...RULES])).not.toContain('FAILED');
  });

  it('are those of a configuration that it takes', async () => {
    expect(await run(['promtool', 'check', 'config', `${PROMETHEUS_FOLDER}prometheus.yaml`])).toContain(
      'SUCCESS',
    );
    expect(readConfiguration().rule_files.map((name) => `${PROMETHEUS_FOLDER}${name}`)).toEqual(RULES);
  });

  it('do in time what their cases say', async () => {
    await run(['promtool', 'test', 'rules', ...CASES]);
  });
});

describe('each alert', () => {
  it.each(alerts.map(({ alert, ...rule }) => [alert!, rule] as const))('%s says what to do', (name, rule) => {
    expect(rule.labels?.severity).toMatch(/^(critical|warning)$/);
    expect(rule.annotations).toEqual({
      summary: expect.stringMatching(/./),
      description: expect.stringMatching(/\.$/),
      runbook_url: `docs/runbooks.md#${name.toLowerCase()}`,
    });
    const section = readFileSync(`${DOCS}docs/runbooks.md`, 'utf8')
      .split('\n## ')
      .find((one) => one.startsWith(`${name}\n`));
    expect(section).toMatch(/\*\*Means\*\*[\s\S]*\*\*Look\*\*[\s\S]*\*\*[Dd]o\*\*/);
  });

  it.each(alerts.map(({ alert }) => alert!))('%s fires in a case, and is over in it or not there', (name) => {
    const own = cases.map(({ alert_rule_test: of = [] }) => of.filter(({ alertname }) => alertname === name));
    const overInTheEnd = own.filter(
      (steps) =>
        steps.some(({ exp_alerts: fired }) => fired.length > 0) && steps.at(-1)!.exp_alerts.length === 0,
    );
    expect(overInTheEnd).not.toEqual([]);
  });
});

it.each(recorded.map(({ record }) => record!))('%s is computed in a case', (name) => {
  const own = cases.flatMap(({ promql_expr_test: of = [] }) => of).filter(({ expr }) => expr === name);
  expect(own.some(({ exp_samples: samples }) => samples.length > 0)).toBe(true);
});
