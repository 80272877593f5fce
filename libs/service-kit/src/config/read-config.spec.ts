import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { checkRedis, redisConfigOf, redisSettings } from '../redis/redis-config.ts';
import { readConfig } from './read-config.ts';
import { optional, setting } from './setting.ts';
import {
  boolean,
  choice,
  duration,
  host,
  hostAndPort,
  list,
  listenPort,
  pemFile,
  size,
  whole,
} from './values.ts';

const settings = {
  port: setting('APP_PORT', listenPort(), '8080', 'a port', { takesEmpty: true }),
  host: optional('APP_HOST', host(), 'a host'),
  pause: setting('APP_PAUSE', duration('1s', '1h'), '30s', 'a time'),
  room: setting('APP_ROOM', size('1KiB', '1GiB'), '4MiB', 'a size'),
  open: setting('APP_OPEN', boolean(), 'true', 'yes or no'),
  count: setting('APP_COUNT', whole(1, 10), '3', 'a count'),
  kind: setting('APP_KIND', choice('small', 'large'), 'small', 'a kind'),
  friends: setting('APP_FRIENDS', list(hostAndPort(80), 'HOST:PORT'), '', 'others', { takesEmpty: true }),
  token: optional('APP_TOKEN', choice('open sesame'), 'what admits', { secret: true }),
};
const options = { prefix: 'APP_' };

function problemsOf(env: Record<string, string>): ConfigError {
  try {
    readConfig(settings, env, options);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was wrong');
}

it('takes what is set, and defaults for the rest', () => {
  expect(readConfig(settings, {}, options)).toEqual({
    port: 8080,
    host: undefined,
    pause: 30_000,
    room: 4 * 2 ** 20,
    open: true,
    count: 3,
    kind: 'small',
    friends: [],
    token: undefined,
  });
  const env = {
    APP_PORT: 'off',
    APP_HOST: '2001:db8::1',
    APP_PAUSE: '2m',
    APP_ROOM: '64KiB',
    APP_OPEN: 'false',
    APP_COUNT: '10',
    APP_KIND: 'large',
    APP_FRIENDS: 'a.example:81, [::1]:82,b',
    APP_TOKEN: 'open sesame',
    OTHER: 'x',
  };
  expect(readConfig(settings, env, options)).toEqual({
    port: undefined,
    host: '2001:db8::1',
    pause: 120_000,
    room: 65_536,
    open: false,
    count: 10,
    kind: 'large',
    friends: [
      { host: 'a.example', port: 81 },
      { host: '::1', port: 82 },
      { host: 'b', port: 80 },
    ],
    token: 'open sesame',
  });
});

it('an empty variable is as good as none, but turns a port off', () => {
  const config = readConfig(settings, { APP_PORT: '', APP_HOST: '', APP_COUNT: '' }, options);
  expect(config).toMatchObject({ port: undefined, host: undefined, count: 3 });
});

it('lists everything that is wrong at once, with what is expected', () => {
  const { problems, message } = problemsOf({
    APP_PORT: '70000',
    APP_HOST: 'not a host',
    APP_PAUSE: '30',
    APP_ROOM: '4MB',
    APP_OPEN: 'yes',
    APP_COUNT: '-1',
    APP_KIND: 'huge',
    APP_FRIENDS: 'a.example:99999',
    APP_TOKEN: 'hunter2',
    APP_PROT: '1',
  });
  expect(problems.map(({ name }) => name)).toEqual([
    ...Object.values(settings).map(({ name }) => name),
    'APP_PROT',
  ]);
  expect(message.split('\n')).toHaveLength(10);
  expect(message).toContain(
    'APP_PORT is "70000"; expected a port from 0 to 65535, where 0 picks one, or off\n',
  );
  expect(message).toContain('APP_PAUSE is "30"; expected a time from 1s to 1h, such as 30s\n');
  expect(message).toContain('APP_KIND is "huge"; expected small or large\n');
  expect(message).toContain('APP_PROT is not known, did you mean APP_PORT?');
});

it('never shows a secret', () => {
  expect(problemsOf({ APP_TOKEN: 'hunter2' }).message).toBe('APP_TOKEN is not right; expected open sesame');
});

it.each(['[a.example]:80', '[127.0.0.1]:80', '::1', 'a.example:0', 'a b'])(
  'takes no place from %s',
  (place) => {
    expect(problemsOf({ APP_FRIENDS: place }).problems).toHaveLength(1);
  },
);

it('shows a value printable and short', () => {
  const { message } = problemsOf({ APP_KIND: `\u001b[31m${'x'.repeat(10_000)}` });
  expect(message).toMatch(/^APP_KIND is "\ufffd\[31mx+…"; expected small or large$/);
  expect(message.length).toBeLessThan(120);
});

describe('what Kubernetes sets for services of such names', () => {
  it('is no mistake', () => {
    const env = {
      APP_REDIS_SERVICE_HOST: '10.0.0.1',
      APP_REDIS_SERVICE_PORT: '6379',
      APP_REDIS_SERVICE_PORT_CLIENT: '6379',
      APP_REDIS_PORT: 'tcp://10.0.0.1:6379',
      APP_REDIS_PORT_6379_TCP: 'tcp://10.0.0.1:6379',
      APP_REDIS_PORT_6379_TCP_ADDR: '10.0.0.1',
    };
    expect(readConfig(settings, env, options).port).toBe(8080);
  });

  it('is explained where it collides with a setting', () => {
    expect(problemsOf({ APP_PORT: 'tcp://10.0.0.1:80' }).message).toContain('enableServiceLinks: false');
  });
});

it('asks what fits together only of values that are right', () => {
  const seen: unknown[] = [];
  expect(() =>
    readConfig(
      settings,
      { APP_COUNT: 'many', APP_KIND: 'large' },
      {
        check: ({ count, kind }) => {
          seen.push(count, kind);
          return [{ name: 'APP_KIND', wrong: 'does not fit', expected: '' }];
        },
      },
    ),
  ).toThrow('APP_COUNT is "many"; expected a number from 1 to 10\nAPP_KIND does not fit');
  expect(seen).toEqual([undefined, 'large']);
});

it('takes no harm from any environment', () => {
  const names = [...Object.values(settings).map(({ name }) => name), 'APP_', 'APP_X', 'PATH'];
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.stringMatching(/^[0-9a-z:.,/[\]-]{0,30}$/),
    fc.constantFrom('__proto__', 'off', '1e3', '0x10', '1.5', 'NaN', ' 1', '999999999999999999999s'),
  );
  const env = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 12 })), word, {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(env, (given) => {
      try {
        const config = readConfig(settings, given, options);
        expect(config.port === undefined || (config.port >= 0 && config.port <= 65_535)).toBe(true);
        expect(config.count).toBeGreaterThanOrEqual(1);
        expect(config.pause).toBeLessThanOrEqual(3_600_000);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        expect(error.problems.length).toBeGreaterThan(0);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may reach a terminal
        expect(error.message).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
        const secret = given.APP_TOKEN;
        if (secret !== undefined && secret.length > 15 && error.problems.length === 1)
          expect(error.message).not.toContain(secret);
      }
    }),
    { numRuns: 2_000 },
  );
});

it('reads a PEM file at once, of the right kind alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pixtorrent-'));
  try {
    const path = join(folder, 'ca.pem');
    writeFileSync(path, '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n');
    const tls = { ca: optional('APP_CA', pemFile('CERTIFICATE'), 'a file') };
    expect(readConfig(tls, { APP_CA: path }).ca).toContain('BEGIN CERTIFICATE');
    expect(() => readConfig(tls, { APP_CA: join(folder, 'none') })).toThrow('APP_CA is');
    expect(() => readConfig(tls, { APP_CA: folder })).toThrow('APP_CA is');
    const keys = { key: optional('APP_KEY', pemFile('PRIVATE KEY'), 'a file') };
    expect(() => readConfig(keys, { APP_KEY: path })).toThrow('a file in PEM with a private key');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('redis', () => {
  const read = (env: Record<string, string>) =>
    redisConfigOf(readConfig(redisSettings, env, { check: checkRedis }));

  it('may be one host by its URL', () => {
    expect(read({ REDIS_URL: 'rediss://me:s%40crets@redis.example:6380/3' })).toMatchObject({
      deployment: { type: 'single', host: 'redis.example', port: 6380 },
      username: 'me',
      password: 's@crets',
      db: 3,
      tls: {},
    });
    expect(read({ REDIS_URL: 'redis://[::1]' })).toMatchObject({
      deployment: { type: 'single', host: '::1', port: 6379 },
      db: 0,
      tls: undefined,
    });
  });

  it('may be sentinels, or a cluster', () => {
    expect(read({ REDIS_SENTINELS: 'a,b:1', REDIS_SENTINEL_NAME: 'tracker' })?.deployment).toEqual({
      type: 'sentinel',
      name: 'tracker',
      sentinels: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 1 },
      ],
    });
    expect(read({ REDIS_CLUSTER: 'a' })?.deployment).toEqual({
      type: 'cluster',
      nodes: [{ host: 'a', port: 6379 }],
    });
  });

  it('is nowhere unless it is said where, and in one place only', () => {
    expect(read({})).toBeUndefined();
    expect(() => read({ REDIS_URL: 'redis://a', REDIS_CLUSTER: 'b' })).toThrow('one of REDIS_URL');
    expect(() => read({ REDIS_CLUSTER: 'b', REDIS_DB: '1' })).toThrow('REDIS_DB');
  });

  it.each(['http://a', 'redis://', 'redis://a/x', 'redis://a?b=c', 'redis://:%ff@a', 'a:6379'])(
    'is not at %s, and the URL with its password is not shown',
    (url) => {
      expect(() => read({ REDIS_URL: url })).toThrow(/^REDIS_URL is not right; expected redis:\/\/[^\n]+$/);
    },
  );
});
