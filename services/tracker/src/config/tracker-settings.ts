import {
  boolean,
  type ConfigOf,
  type ConfigProblem,
  checkRedis,
  choice,
  duration,
  type Environment,
  host,
  LOG_LEVELS,
  list,
  listenPort,
  optional,
  pemPath,
  readConfig,
  redisSettings,
  setting,
  size,
  value,
  whole,
} from '@pixtorrent/service-kit';
import { announceKey, network } from './tracker-values.ts';

/** Everything that the service reads from its environment. `docs/operations.md` tells the same. */
export const trackerSettings = {
  host: optional('TRACKER_HOST', host(), 'address to listen on; every address where it is missing'),
  httpPort: setting('TRACKER_HTTP_PORT', listenPort(), '6969', 'announces over HTTP', { takesEmpty: true }),
  udpPort: setting('TRACKER_UDP_PORT', listenPort(), '6969', 'announces over UDP', { takesEmpty: true }),
  grpcPort: setting('TRACKER_GRPC_PORT', listenPort(), '6970', 'gRPC', { takesEmpty: true }),
  opsPort: setting('TRACKER_OPS_PORT', listenPort(), '6971', '`/healthz`, `/readyz` and `/metrics`', {
    takesEmpty: true,
  }),

  store: setting(
    'TRACKER_STORE',
    choice('memory', 'redis'),
    'memory',
    'where peers and the catalogue are: `memory` of this process, or `redis`, shared by replicas',
  ),
  ...redisSettings,

  interval: setting('TRACKER_INTERVAL', duration('5s', '1d'), '2m', 'time between the announces of a peer'),
  minInterval: setting(
    'TRACKER_MIN_INTERVAL',
    duration('0s', '1d'),
    '10s',
    'time that a peer is to leave between announces at least',
  ),
  maxPeers: setting(
    'TRACKER_MAX_PEERS',
    whole(1, 50_000_000),
    '2000000',
    'peers that this process keeps in its memory; more are refused',
  ),
  maxSwarms: setting(
    'TRACKER_MAX_SWARMS',
    whole(1, 10_000_000),
    '200000',
    'swarms that this process keeps in its memory; more are refused',
  ),

  open: setting(
    'TRACKER_OPEN',
    boolean(),
    'true',
    'whether any torrent is served (`true`), or only those in the catalogue (`false`)',
  ),
  keyFor: setting(
    'TRACKER_KEY_FOR',
    choice('none', 'private', 'all'),
    'none',
    'which torrents want an announce key: `none`, the `private` ones of the catalogue, or `all`',
  ),
  announceKeys: setting(
    'TRACKER_ANNOUNCE_KEYS',
    list(announceKey(), 'keys of 1 to 64 letters, digits, - and _', 10_000),
    '',
    'keys that admit: `http://HOST:6969/KEY/announce`',
    { secret: true, takesEmpty: true },
  ),
  rateLimit: setting(
    'TRACKER_RATE_LIMIT',
    whole(0, 1_000_000),
    '0',
    'announces and scrapes a second from one address (IPv6: from one /64), ten times that in a burst; 0 for any number',
  ),
  trustedProxies: setting(
    'TRACKER_TRUSTED_PROXIES',
    list(network(), 'networks such as 10.0.0.0/8 or 2001:db8::/32', 256),
    '',
    "networks whose `ip` and forwarding header are believed; gRPC callers there may name a peer's address",
    { takesEmpty: true },
  ),
  forwardedHeader: optional(
    'TRACKER_FORWARDED_HEADER',
    value('the name of an HTTP header', (name) =>
      /^[a-z0-9-]{1,64}$/i.test(name) ? name.toLowerCase() : undefined,
    ),
    'header in which trusted proxies say where a request comes from, such as `x-forwarded-for`',
  ),
  maxConnections: setting(
    'TRACKER_MAX_CONNECTIONS',
    whole(1, 1_000_000),
    '20000',
    'connections at the same time, over HTTP and over gRPC each; more are closed at once',
  ),

  grpcMaxRequest: setting(
    'TRACKER_GRPC_MAX_REQUEST',
    size('64KiB', '256MiB'),
    '20MiB',
    'largest gRPC request: a torrent that is published has to fit',
  ),
  grpcTlsKey: optional('TRACKER_GRPC_TLS_KEY_FILE', pemPath('PRIVATE KEY'), 'key of the gRPC port (PEM)'),
  grpcTlsCertificate: optional(
    'TRACKER_GRPC_TLS_CERT_FILE',
    pemPath('CERTIFICATE'),
    'its certificate (PEM); in the clear where both are missing',
  ),
  grpcTlsClientCa: optional(
    'TRACKER_GRPC_TLS_CLIENT_CA_FILE',
    pemPath('CERTIFICATE'),
    'certificates (PEM) by which gRPC clients have to be certified',
  ),

  logLevel: setting('TRACKER_LOG_LEVEL', choice(...LOG_LEVELS), 'info', 'least level that is logged'),
  drainDelay: setting(
    'TRACKER_DRAIN_DELAY',
    duration('0s', '10m'),
    '0s',
    'how long to go on serving after `/readyz` has turned, so that load balancers notice',
  ),
  shutdownTimeout: setting(
    'TRACKER_SHUTDOWN_TIMEOUT',
    duration('100ms', '10m'),
    '10s',
    'how long the rest of the shutdown may take',
  ),
} as const;

export type TrackerConfig = ConfigOf<typeof trackerSettings>;

/** @throws ConfigError with everything that is wrong */
export function readTrackerConfig(env: Environment): TrackerConfig {
  return readConfig(trackerSettings, env, { prefix: 'TRACKER_', check });
}

function check(config: Partial<TrackerConfig>): ConfigProblem[] {
  return [...checkStore(config), ...checkAdmission(config), ...checkPorts(config), ...checkTls(config)];
}

function checkStore(config: Partial<TrackerConfig>): ConfigProblem[] {
  if (config.store !== 'redis') return [];
  // One that is wrong is not in `config`, and is told of already.
  const places = ['redisUrl', 'redisSentinels', 'redisCluster'] as const;
  if (places.every((place) => place in config && config[place] === undefined))
    return [
      {
        name: 'TRACKER_STORE',
        wrong: 'is "redis", and nothing says where that is',
        expected: 'REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER with it',
      },
    ];
  return checkRedis(config);
}

function checkAdmission(config: Partial<TrackerConfig>): ConfigProblem[] {
  const { interval, minInterval, keyFor, announceKeys, open, forwardedHeader, trustedProxies } = config;
  const problems: ConfigProblem[] = [];
  if (interval !== undefined && minInterval !== undefined && minInterval > interval)
    problems.push({
      name: 'TRACKER_MIN_INTERVAL',
      wrong: 'is longer than TRACKER_INTERVAL',
      expected: 'at most that',
    });
  if ((keyFor === 'private' || keyFor === 'all') && announceKeys?.length === 0)
    problems.push({
      name: 'TRACKER_KEY_FOR',
      wrong: `is "${keyFor}", and there are no keys`,
      expected: 'TRACKER_ANNOUNCE_KEYS with it',
    });
  if (open === false && config.grpcPort === undefined && config.store === 'memory')
    problems.push({
      name: 'TRACKER_OPEN',
      wrong: 'is "false", and nothing can be published: TRACKER_GRPC_PORT is off',
      expected: 'a gRPC port, or TRACKER_STORE=redis',
    });
  if (forwardedHeader !== undefined && trustedProxies?.length === 0)
    problems.push({
      name: 'TRACKER_FORWARDED_HEADER',
      wrong: 'is set, and nobody is trusted',
      expected: 'TRACKER_TRUSTED_PROXIES with it',
    });
  return problems;
}

/** UDP has ports of its own. */
function checkPorts(config: Partial<TrackerConfig>): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const taken = new Map<number, string>();
  for (const key of ['httpPort', 'grpcPort', 'opsPort'] as const) {
    const port = config[key];
    if (port === undefined || port === 0) continue;
    const { name } = trackerSettings[key];
    const other = taken.get(port);
    if (other !== undefined)
      problems.push({ name, wrong: `is "${port}" like ${other}`, expected: 'a port of its own' });
    taken.set(port, name);
  }
  return problems;
}

function checkTls(config: Partial<TrackerConfig>): ConfigProblem[] {
  const { grpcTlsKey: key, grpcTlsCertificate: certificate, grpcTlsClientCa: clientCa } = config;
  const problems: ConfigProblem[] = [];
  if ((key === undefined) !== (certificate === undefined))
    problems.push({
      name: trackerSettings[key === undefined ? 'grpcTlsKey' : 'grpcTlsCertificate'].name,
      wrong: 'is missing',
      expected: 'a key and a certificate together',
    });
  else if (clientCa !== undefined && key === undefined)
    problems.push({
      name: trackerSettings.grpcTlsClientCa.name,
      wrong: 'is set without TLS',
      expected: 'TRACKER_GRPC_TLS_KEY_FILE and TRACKER_GRPC_TLS_CERT_FILE with it',
    });
  return problems;
}
