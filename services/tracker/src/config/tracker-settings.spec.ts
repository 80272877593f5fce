import { readFileSync } from 'node:fs';
import { ConfigError, type Setting } from '@pixtorrent/service-kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTrackerConfig, trackerSettings } from './tracker-settings.ts';

const settings: readonly Setting[] = Object.values(trackerSettings);

function wrong(env: Record<string, string>): string {
  try {
    readTrackerConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

it('needs nothing to be set', () => {
  expect(readTrackerConfig({})).toMatchObject({
    host: undefined,
    httpPort: 6969,
    udpPort: 6969,
    grpcPort: 6970,
    opsPort: 6971,
    store: 'memory',
    interval: 120_000,
    open: true,
    keyFor: 'none',
    announceKeys: [],
    trustedProxies: [],
    shutdownTimeout: 10_000,
  });
});

it('lists every key that is wrong, with values except those that are secret', () => {
  const env = Object.fromEntries(settings.map(({ name }) => [name, ' \u0007nonsense']));
  const lines = wrong(env).split('\n');
  const accepted = [
    'REDIS_SENTINEL_NAME',
    'REDIS_USERNAME',
    'REDIS_PASSWORD',
    'REDIS_SENTINEL_PASSWORD',
    'REDIS_TLS_SERVER_NAME',
  ];
  expect(lines.map((line) => line.split(' ')[0])).toEqual(
    settings.map(({ name }) => name).filter((name) => !accepted.includes(name)),
  );
  for (const { name, secret } of settings) {
    const line = lines.find((given) => given.startsWith(`${name} `));
    if (line !== undefined) expect(line.includes('nonsense')).toBe(!secret);
  }
});

it('names the key that was probably meant', () => {
  expect(wrong({ TRACKER_HTPP_PORT: '1', TRACKER_COLOUR: 'red' })).toBe(
    'TRACKER_HTPP_PORT is not known, did you mean TRACKER_HTTP_PORT?\nTRACKER_COLOUR is not known',
  );
});

describe('refuses what does not fit together:', () => {
  it.each<[string, Record<string, string>, string]>([
    ['Redis without a place', { TRACKER_STORE: 'redis' }, 'TRACKER_STORE'],
    [
      'two places of Redis',
      { TRACKER_STORE: 'redis', REDIS_URL: 'redis://a', REDIS_CLUSTER: 'b' },
      'REDIS_URL',
    ],
    [
      'a minimum above the interval',
      { TRACKER_INTERVAL: '30s', TRACKER_MIN_INTERVAL: '1m' },
      'TRACKER_MIN_INTERVAL',
    ],
    ['keys wanted and none given', { TRACKER_KEY_FOR: 'all' }, 'TRACKER_KEY_FOR'],
    [
      'a header and nobody trusted',
      { TRACKER_FORWARDED_HEADER: 'x-forwarded-for' },
      'TRACKER_FORWARDED_HEADER',
    ],
    ['one port twice', { TRACKER_GRPC_PORT: '6969' }, 'TRACKER_GRPC_PORT'],
    [
      'a catalogue that cannot be filled',
      { TRACKER_OPEN: 'false', TRACKER_GRPC_PORT: 'off' },
      'TRACKER_OPEN',
    ],
  ])('%s', (_, env, key) => {
    expect(wrong(env)).toMatch(new RegExp(`^${key} [^\\n]+$`));
  });
});

it('reads networks with their bits', () => {
  const { trustedProxies } = readTrackerConfig({
    TRACKER_TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.1,2001:db8::/32',
  });
  expect(trustedProxies).toEqual(['10.0.0.0/8', '192.0.2.1/32', '2001:db8::/32']);
  for (const network of ['10.0.0.0/33', '10.0.0', '::/129', 'x/8', '10.0.0.0/8/8'])
    expect(wrong({ TRACKER_TRUSTED_PROXIES: network })).toContain('TRACKER_TRUSTED_PROXIES');
});

it('takes no harm from any environment', () => {
  const name = fc.constantFrom(...settings.map((setting) => setting.name), 'TRACKER_X', 'TRACKER_');
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.stringMatching(/^[a-z0-9.:,/-]{0,20}$/),
  );
  fc.assert(
    fc.property(fc.dictionary(name, text), (env) => {
      try {
        readTrackerConfig(env);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
      }
    }),
    { numRuns: 10_000 },
  );
});

describe('docs/operations.md', () => {
  const document = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');

  it('has a row for every key, with its default and what it does', () => {
    const rows = settings.map(({ name, default: standard, about }) => {
      const shown = standard ? `\`${standard}\`` : '';
      return `| \`${name}\` | ${shown}${shown && ' '}| ${about} |`;
    });
    expect(rows.filter((row) => !document.includes(`${row}\n`))).toEqual([]);
  });

  it('has no row for another', () => {
    const named = [...document.matchAll(/^\| `((?:TRACKER|REDIS)_[A-Z_]+)` \|/gm)].map(([, name]) => name);
    expect(named.filter((name) => !settings.some((setting) => setting.name === name))).toEqual([]);
    expect(named).toHaveLength(settings.length);
  });
});
