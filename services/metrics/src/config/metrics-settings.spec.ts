import { readFileSync } from 'node:fs';
import { ConfigError, type Setting } from '@pixtorrent/service-kit';
import { describe, expect, it } from 'vitest';
import { metricsSettings, readMetricsConfig } from './metrics-settings.ts';

const settings: readonly Setting[] = Object.values(metricsSettings);

function wrong(env: Record<string, string>): string {
  try {
    readMetricsConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

it('needs nothing to be set', () => {
  expect(readMetricsConfig({})).toMatchObject({
    grpcPort: 6973,
    httpPort: 6974,
    maxNodes: 10_000,
    maxSwarms: 1000,
    memory: 256 * 2 ** 20,
    topSwarms: 50,
  });
});

it('lists every key that is wrong', () => {
  const env = Object.fromEntries(settings.map(({ name }) => [name, ' \u0007nonsense']));
  const named = wrong(env)
    .split('\n')
    .map((line) => line.split(' ')[0]);
  expect(named).toEqual(settings.map(({ name }) => name));
});

it.each<[string, Record<string, string>, string]>([
  ['one port twice', { METRICS_HTTP_PORT: '6973' }, 'METRICS_HTTP_PORT'],
  ['a key that is not known', { METRICS_PORT: '1' }, 'METRICS_PORT'],
])('refuses %s', (_, env, key) => {
  expect(wrong(env)).toMatch(new RegExp(`^${key} [^\\n]+$`));
});

describe('docs/metrics.md', () => {
  const document = readFileSync(new URL('../../../../docs/metrics.md', import.meta.url), 'utf8');

  it('has a row for every key, with its default and what it does, and for no other', () => {
    const rows = settings.map(({ name, default: standard, about }) => {
      const shown = standard ? `\`${standard}\`` : '';
      return `| \`${name}\` | ${shown}${shown && ' '}| ${about} |`;
    });
    expect(document.split('\n').filter((line) => line.startsWith('| `METRICS_'))).toEqual(rows);
  });
});
