import { hostname } from 'node:os';
import {
  bearerTokens,
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
  readConfig,
  setting,
  size,
  text,
} from '@pixtorrent/service-kit';
import { allowedHost, announceUrl, folder, label, nodeName, rate } from './peer-values.ts';

/** Everything that the service reads from its environment. `docs/operations.md` tells the same. */
export const peerSettings = {
  name: setting(
    'PEER_NAME',
    nodeName(),
    hostname().toLowerCase(),
    'name of the node, the same after a restart; the name of the host where it is missing',
  ),
  dir: setting('PEER_DIR', folder(), '/data', 'folder that everything is kept in'),
  host: optional('PEER_HOST', host(), 'address to listen on; every address where it is missing'),
  port: setting('PEER_PORT', listenPort(), '6881', 'other peers'),
  httpPort: setting('PEER_HTTP_PORT', listenPort(), '6880', 'content over HTTP', { takesEmpty: true }),
  grpcPort: setting('PEER_GRPC_PORT', listenPort(), '6882', 'gRPC', { takesEmpty: true }),
  opsPort: setting('PEER_OPS_PORT', listenPort(), '6883', '`/healthz`, `/readyz` and `/metrics`', {
    takesEmpty: true,
  }),
  advertise: optional(
    'PEER_ADVERTISE',
    host(),
    'address at which others reach this node; the name of the host where it is missing',
  ),
  tracker: setting(
    'PEER_TRACKER',
    list(hostAndPort(6970), 'HOST:PORT of the trackers'),
    'localhost:6970',
    'gRPC ports of the tracker service; one name that stands for all replicas is best',
  ),
  trackerKey: optional(
    'PEER_TRACKER_KEY',
    text('an announce key', 64),
    'announce key, where the tracker wants one',
    { secret: true },
  ),
  metrics: setting(
    'PEER_METRICS',
    list(hostAndPort(6973), 'HOST:PORT of the metrics service', 8),
    '',
    'gRPC ports of the metrics service, to every replica of which this node reports; best a name that stands for all of them',
    { takesEmpty: true },
  ),
  zone: setting('PEER_ZONE', label(), '', 'zone that the node is in: peers near it come first', {
    takesEmpty: true,
  }),
  machine: setting('PEER_MACHINE', label(), '', 'machine that the node runs on, likewise', {
    takesEmpty: true,
  }),

  diskBudget: optional(
    'PEER_DISK_BUDGET',
    size('1MiB', '1048576GiB'),
    'bytes of content that are held at the most; nine tenths of the disk where it is missing',
  ),
  memory: setting('PEER_MEMORY', size('16MiB', '64GiB'), '64MiB', 'memory for pieces that are on their way'),
  downloadRate: optional(
    'PEER_DOWNLOAD_RATE',
    rate(),
    'bytes a second from peers; any number where it is missing',
  ),
  uploadRate: optional('PEER_UPLOAD_RATE', rate(), 'bytes a second to peers; any number where it is missing'),
  scrubRate: setting(
    'PEER_SCRUB_RATE',
    size('0B', '16GiB'),
    '16MiB',
    'bytes a second that are read again to find what the disk has lost; 0B for never',
  ),
  scrubInterval: setting(
    'PEER_SCRUB_INTERVAL',
    duration('1s', '365d'),
    '7d',
    'time after which the same content is read again',
  ),

  token: optional(
    'PEER_TOKEN',
    bearerTokens(),
    'bearer token of who may change something; where there is none and no file of them, nobody may',
    { secret: true },
  ),
  tokenFile: optional(
    'PEER_TOKEN_FILE',
    text('the name of a file', 4096),
    'file with such tokens, one a line; read again when it changes',
  ),

  announce: setting(
    'PEER_ANNOUNCE',
    list(announceUrl(), 'URLs such as http://tracker.example:6969/announce', 16),
    '',
    'trackers that torrents made here name: for clients that are no nodes',
    { takesEmpty: true },
  ),
  ingestDir: optional('PEER_INGEST_DIR', folder(), 'folder that content may be taken in from'),
  ingestMaxSize: setting(
    'PEER_INGEST_MAX_SIZE',
    size('1B', '1048576GiB'),
    '1024GiB',
    'bytes of a content that is taken in at the most',
  ),
  ingestHosts: setting(
    'PEER_INGEST_HOSTS',
    list(allowedHost(), 'hosts such as models.example, .example or 10.1.0.0/16', 256),
    '',
    'hosts that content may be fetched from although their addresses are internal',
    { takesEmpty: true },
  ),

  tlsKeyFile: optional('PEER_TLS_KEY_FILE', text('the name of a file', 4096), 'key of this node (PEM)'),
  tlsCertificateFile: optional(
    'PEER_TLS_CERT_FILE',
    text('the name of a file', 4096),
    'its certificate (PEM); in the clear where both are missing',
  ),
  tlsCaFile: optional(
    'PEER_TLS_CA_FILE',
    text('the name of a file', 4096),
    'certificates (PEM) by which nodes, trackers and gRPC clients are certified',
  ),
  tlsPeers: setting(
    'PEER_TLS_PEERS',
    choice('off', 'accept', 'require'),
    'off',
    'TLS between nodes: `accept` takes both, `require` refuses the clear',
  ),
  tlsClients: setting(
    'PEER_TLS_CLIENTS',
    boolean(),
    'false',
    'whether gRPC clients have to be certified too',
  ),
  trackerTls: setting('PEER_TRACKER_TLS', boolean(), 'false', 'TLS to the tracker and the metrics service'),

  drainTimeout: setting(
    'PEER_DRAIN_TIMEOUT',
    duration('0s', '1d'),
    '60s',
    'how long to wait, when asked to end, for others to take what only this node has',
  ),
  shutdownTimeout: setting(
    'PEER_SHUTDOWN_TIMEOUT',
    duration('1s', '1h'),
    '20s',
    'how long the rest of the shutdown may take',
  ),
  logLevel: setting('PEER_LOG_LEVEL', choice(...LOG_LEVELS), 'info', 'least level that is logged'),
};

export type PeerConfig = ConfigOf<typeof peerSettings>;

/** @throws ConfigError with everything that is wrong */
export function readPeerConfig(env: Environment): PeerConfig {
  return readConfig(peerSettings, env, {
    prefix: 'PEER_',
    check: (config) => [...checkPorts(config), ...checkTls(config), ...checkTokens(config)],
  });
}

function checkPorts(config: Partial<PeerConfig>): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const taken = new Map<number, string>();
  for (const key of ['port', 'httpPort', 'grpcPort', 'opsPort'] as const) {
    const port = config[key];
    if (port === undefined || port === 0) continue;
    const { name } = peerSettings[key];
    const other = taken.get(port);
    if (other !== undefined)
      problems.push({ name, wrong: `is "${port}" like ${other}`, expected: 'a port of its own' });
    taken.set(port, name);
  }
  return problems;
}

function checkTls(config: Partial<PeerConfig>): ConfigProblem[] {
  const { tlsKeyFile, tlsCertificateFile, tlsCaFile, tlsPeers, tlsClients } = config;
  const problems: ConfigProblem[] = [];
  if ((tlsKeyFile === undefined) !== (tlsCertificateFile === undefined))
    problems.push({
      name: peerSettings[tlsKeyFile === undefined ? 'tlsKeyFile' : 'tlsCertificateFile'].name,
      wrong: 'is missing',
      expected: 'a key and a certificate together',
    });
  const wants = (setting: { readonly name: string }, wrong: string): void => {
    if (tlsKeyFile === undefined || tlsCaFile === undefined)
      problems.push({
        name: setting.name,
        wrong,
        expected: 'PEER_TLS_KEY_FILE, PEER_TLS_CERT_FILE and PEER_TLS_CA_FILE with it',
      });
  };
  if (tlsPeers !== undefined && tlsPeers !== 'off')
    wants(peerSettings.tlsPeers, `is "${tlsPeers}", and there are no certificates`);
  if (tlsClients === true) wants(peerSettings.tlsClients, 'is "true", and there are no certificates');
  return problems;
}

function checkTokens({ token, tokenFile }: Partial<PeerConfig>): ConfigProblem[] {
  if (token === undefined || tokenFile === undefined) return [];
  return [{ name: 'PEER_TOKEN', wrong: 'is set beside PEER_TOKEN_FILE', expected: 'one of them' }];
}
