import {
  boolean,
  type ConfigOf,
  type ConfigProblem,
  choice,
  duration,
  type Environment,
  host,
  hostAndPort,
  LOG_LEVELS,
  list,
  listenPort,
  optional,
  pemPath,
  readConfig,
  setting,
  size,
  whole,
} from '@pixtorrent/service-kit';

/** Everything that the service reads from its environment. `docs/metrics.md` tells the same. */
export const metricsSettings = {
  host: optional('METRICS_HOST', host(), 'address to listen on; every address where it is missing'),
  grpcPort: setting('METRICS_GRPC_PORT', listenPort(), '6973', 'gRPC: where nodes report', {
    takesEmpty: true,
  }),
  httpPort: setting(
    'METRICS_HTTP_PORT',
    listenPort(),
    '6974',
    'the live page, `/v1/swarms`, and `/healthz`, `/readyz` and `/metrics`',
    { takesEmpty: true },
  ),
  maxNodes: setting(
    'METRICS_MAX_NODES',
    whole(1, 60_000),
    '10000',
    'nodes that are followed; more are refused',
  ),
  maxSwarms: setting(
    'METRICS_MAX_SWARMS',
    whole(1, 100_000),
    '1000',
    'swarms that are followed; more are left out',
  ),
  memory: setting(
    'METRICS_MEMORY',
    size('1MiB', '64GiB'),
    '256MiB',
    'memory for what nodes have, about; what does not fit is left out',
  ),
  topSwarms: setting(
    'METRICS_TOP_SWARMS',
    whole(0, 1000),
    '50',
    'swarms that `/metrics` tells of one by one; the others are told of together',
  ),
  nodeSeries: setting(
    'METRICS_NODE_SERIES',
    whole(0, 100_000),
    '1000',
    'nodes of those swarms that `/metrics` tells of one by one, and likewise links between nodes',
  ),
  targetRate: setting(
    'METRICS_TARGET_RATE',
    size('1KiB', '64GiB'),
    '10MiB',
    'bytes a second at which a node is to get content, when a minute is taken off; later is late',
  ),
  tracker: setting(
    'METRICS_TRACKER',
    list(hostAndPort(6970), 'HOST:PORT of the trackers'),
    '',
    'gRPC ports of the tracker service, which tells the other side of swarms; one name that stands for all replicas is best',
    { takesEmpty: true },
  ),
  trackerTls: setting(
    'METRICS_TRACKER_TLS',
    boolean(),
    'false',
    'TLS to the tracker, with the certificate of the gRPC port where there is one',
  ),
  trackerCaFile: optional(
    'METRICS_TRACKER_CA_FILE',
    pemPath('CERTIFICATE'),
    'certificates (PEM) by which the tracker is certified; those of the runtime where it is missing',
  ),
  tlsKeyFile: optional('METRICS_TLS_KEY_FILE', pemPath('PRIVATE KEY'), 'key of the gRPC port (PEM)'),
  tlsCertificateFile: optional(
    'METRICS_TLS_CERT_FILE',
    pemPath('CERTIFICATE'),
    'its certificate (PEM); in the clear where both are missing',
  ),
  tlsClientCaFile: optional(
    'METRICS_TLS_CLIENT_CA_FILE',
    pemPath('CERTIFICATE'),
    'certificates (PEM) by which nodes and other gRPC clients are certified; any are served where it is missing',
  ),
  shutdownTimeout: setting(
    'METRICS_SHUTDOWN_TIMEOUT',
    duration('1s', '1h'),
    '10s',
    'how long the shutdown may take',
  ),
  logLevel: setting('METRICS_LOG_LEVEL', choice(...LOG_LEVELS), 'info', 'least level that is logged'),
};

export type MetricsConfig = ConfigOf<typeof metricsSettings>;

/** @throws ConfigError with everything that is wrong */
export function readMetricsConfig(env: Environment): MetricsConfig {
  return readConfig(metricsSettings, env, {
    prefix: 'METRICS_',
    check: (config) => [...checkPorts(config), ...checkTls(config), ...checkTrackerTls(config)],
  });
}

function checkPorts({ grpcPort, httpPort }: Partial<MetricsConfig>): ConfigProblem[] {
  if (grpcPort === undefined || grpcPort === 0 || grpcPort !== httpPort) return [];
  const { name } = metricsSettings.httpPort;
  return [{ name, wrong: `is "${httpPort}" like METRICS_GRPC_PORT`, expected: 'a port of its own' }];
}

function checkTls({
  tlsKeyFile,
  tlsCertificateFile,
  tlsClientCaFile,
}: Partial<MetricsConfig>): ConfigProblem[] {
  if ((tlsKeyFile === undefined) !== (tlsCertificateFile === undefined)) {
    const { name } = metricsSettings[tlsKeyFile === undefined ? 'tlsKeyFile' : 'tlsCertificateFile'];
    return [{ name, wrong: 'is missing', expected: 'a key and a certificate together' }];
  }
  if (tlsClientCaFile === undefined || tlsKeyFile !== undefined) return [];
  const { name } = metricsSettings.tlsClientCaFile;
  return [
    { name, wrong: 'is set without TLS', expected: 'METRICS_TLS_KEY_FILE and METRICS_TLS_CERT_FILE with it' },
  ];
}

function checkTrackerTls({ trackerTls, trackerCaFile }: Partial<MetricsConfig>): ConfigProblem[] {
  if (trackerCaFile === undefined || trackerTls !== false) return [];
  const { name } = metricsSettings.trackerCaFile;
  return [{ name, wrong: 'is set without TLS', expected: 'METRICS_TRACKER_TLS with it' }];
}
