import { isIP } from 'node:net';
import { type ConfigOf, optional, setting, type ValueSchema } from '../config/setting.ts';
import {
  boolean,
  duration,
  type HostAndPort,
  hostAndPort,
  list,
  pemFile,
  text,
  value,
  whole,
} from '../config/values.ts';
import type { ConfigProblem } from '../errors.ts';

/** Where Redis is, and who we are to it. */
export interface RedisConfig {
  readonly deployment:
    | { readonly type: 'single'; readonly host: string; readonly port: number }
    /** `name`: of the master, as the sentinels know it. */
    | { readonly type: 'sentinel'; readonly name: string; readonly sentinels: readonly HostAndPort[] }
    | { readonly type: 'cluster'; readonly nodes: readonly HostAndPort[] };
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  readonly db: number;
  /** In the clear where it is missing. */
  readonly tls?: { readonly ca?: string | undefined; readonly serverName?: string | undefined } | undefined;
  /** Milliseconds. */
  readonly commandTimeout: number;
  /** Milliseconds. */
  readonly connectTimeout: number;
}

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;

/** The environment's word for where Redis is. One of the first three is given. */
export const redisSettings = {
  redisUrl: optional('REDIS_URL', redisUrl(), 'one Redis: `redis://` or `rediss://` (TLS)', { secret: true }),
  redisSentinels: optional(
    'REDIS_SENTINELS',
    list(hostAndPort(SENTINEL_PORT), 'HOST:PORT of each sentinel'),
    'a Redis with fail-over: its sentinels',
  ),
  redisCluster: optional(
    'REDIS_CLUSTER',
    list(hostAndPort(REDIS_PORT), 'HOST:PORT of each node'),
    'a Redis Cluster: some of its nodes',
  ),
  redisSentinelName: setting(
    'REDIS_SENTINEL_NAME',
    text('the name that the sentinels have for the master', 128),
    'mymaster',
    'the name that the sentinels have for the master',
  ),
  redisUsername: optional('REDIS_USERNAME', text('a user name', 128), 'user, where it is not in `REDIS_URL`'),
  redisPassword: optional('REDIS_PASSWORD', text('a password'), 'password, where it is not in `REDIS_URL`', {
    secret: true,
  }),
  redisSentinelPassword: optional('REDIS_SENTINEL_PASSWORD', text('a password'), "the sentinels' password", {
    secret: true,
  }),
  redisDb: optional('REDIS_DB', whole(0, 1023), 'number of the database, where it is not in `REDIS_URL`'),
  redisTls: setting('REDIS_TLS', boolean(), 'false', 'TLS to Redis; `rediss://` says so too'),
  redisTlsCa: optional(
    'REDIS_TLS_CA_FILE',
    pemFile('CERTIFICATE'),
    "certificates to trust (PEM) in place of the system's",
  ),
  redisTlsServerName: optional(
    'REDIS_TLS_SERVER_NAME',
    text('a host name', 253),
    "name that the certificate has to have, where it is not the host's",
  ),
  redisCommandTimeout: setting(
    'REDIS_COMMAND_TIMEOUT',
    duration('10ms', '1m'),
    '1s',
    'how long Redis has for an answer; a connection that says nothing for five times as long is made anew',
  ),
  redisConnectTimeout: setting(
    'REDIS_CONNECT_TIMEOUT',
    duration('100ms', '1m'),
    '3s',
    'how long a connection may take',
  ),
} as const;

type RedisValues = ConfigOf<typeof redisSettings>;

/** What does not fit together. */
export function checkRedis(values: Partial<RedisValues>): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const { redisUrl: url, redisSentinels: sentinels, redisCluster: cluster, redisDb: db } = values;
  if ([url, sentinels, cluster].filter((place) => place !== undefined).length > 1)
    problems.push({
      name: 'REDIS_URL',
      wrong: 'is not the only word for where Redis is',
      expected: 'one of REDIS_URL, REDIS_SENTINELS and REDIS_CLUSTER',
    });
  if (cluster !== undefined && db !== undefined && db !== 0)
    problems.push({ name: 'REDIS_DB', wrong: `is "${db}"`, expected: '0: a Redis Cluster has one database' });
  return problems;
}

/** @returns undefined where nothing says where Redis is */
export function redisConfigOf(values: RedisValues): RedisConfig | undefined {
  const { redisUrl: url, redisSentinels: sentinels, redisCluster: nodes } = values;
  const deployment: RedisConfig['deployment'] | undefined = url
    ? { type: 'single', host: url.host, port: url.port }
    : sentinels
      ? { type: 'sentinel', name: values.redisSentinelName, sentinels }
      : nodes && { type: 'cluster', nodes };
  if (deployment === undefined) return undefined;
  return {
    deployment,
    username: values.redisUsername ?? url?.username,
    password: values.redisPassword ?? url?.password,
    sentinelPassword: values.redisSentinelPassword,
    db: values.redisDb ?? url?.db ?? 0,
    tls:
      values.redisTls || url?.tls
        ? { ca: values.redisTlsCa, serverName: values.redisTlsServerName }
        : undefined,
    commandTimeout: values.redisCommandTimeout,
    connectTimeout: values.redisConnectTimeout,
  };
}

export interface RedisUrl extends HostAndPort {
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number | undefined;
}

function redisUrl(): ValueSchema<RedisUrl> {
  return value('redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS', (given) => {
    if (!URL.canParse(given)) return undefined;
    const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(given);
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const db = /^\/?(\d{0,4})$/.exec(pathname)?.[1];
    const user = decoded(username);
    const secret = decoded(password);
    if (!['redis:', 'rediss:'].includes(protocol) || host === '' || db === undefined) return undefined;
    if (search !== '' || hash !== '' || user === undefined || secret === undefined) return undefined;
    if (!/^[a-z0-9._-]{1,253}$/i.test(host) && isIP(host) === 0) return undefined;
    return {
      host,
      port: port === '' ? REDIS_PORT : Number(port),
      tls: protocol === 'rediss:',
      username: user || undefined,
      password: secret || undefined,
      db: db === '' ? undefined : Number(db),
    };
  });
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
