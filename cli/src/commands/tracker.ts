import type { TrackerConfig } from '@pixtorrent/tracker-service';
import { openContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { interruption } from '../interrupt.ts';
import { type ArgumentsOf, type CommandLine, one, port, text } from '../options.ts';

export function addTracker(yargs: CommandLine): CommandLine {
  return yargs.command('tracker', 'Run a tracker: peers find each other through it', options, tracker);
}

const options = (yargs: CommandLine) =>
  yargs
    .option('http-port', {
      describe: 'port for announces over HTTP; 0 picks one, off for none',
      type: 'string',
      default: '6969',
      coerce: one('http-port', portOrOff),
    })
    .option('udp-port', {
      describe: 'port for announces over UDP [default: that of HTTP]',
      type: 'string',
      coerce: one('udp-port', portOrOff),
    })
    .option('grpc-port', {
      describe: 'port for gRPC [default: 6970; picked where --http-port is 0]',
      type: 'string',
      coerce: one('grpc-port', portOrOff),
    })
    .option('ops-port', {
      describe: 'port for /healthz, /readyz and /metrics [default: 6971; picked where --http-port is 0]',
      type: 'string',
      coerce: one('ops-port', portOrOff),
    })
    .option('host', {
      describe: 'address to listen on [default: all]',
      type: 'string',
      coerce: one('host', text),
    })
    .option('store', {
      describe: 'where peers are kept: memory, or redis://HOST:PORT (rediss:// for TLS)',
      type: 'string',
      default: 'memory',
      coerce: one('store', store),
    })
    .example('$0 tracker', 'then: $0 create PATH --tracker http://HOST:6969/announce')
    .example('$0 tracker --udp-port off --grpc-port off --ops-port off', 'HTTP alone')
    .example('$0 tracker --store redis://redis.example:6379', 'one of several that share their peers');

/** As the environment of the service has it. */
type PortText = number | 'off';

function portOrOff(value: string, option: string): PortText {
  return value === 'off' ? 'off' : port(value, option);
}

function store(value: string, option: string): Readonly<Record<string, string>> {
  if (value === 'memory') return { TRACKER_STORE: 'memory' };
  if (/^rediss?:\/\//.test(value)) return { TRACKER_STORE: 'redis', REDIS_URL: value };
  throw new CliError('usage', `--${option}: give memory, or redis://HOST:PORT`);
}

type Arguments = ArgumentsOf<typeof options>;

async function tracker(args: Arguments): Promise<void> {
  const { output, logger } = await openContext(args);
  const service = await import('@pixtorrent/tracker-service');
  const { host } = args;
  const config = configOf(args, service);
  const running = await service.bootstrap(config, { logger });
  try {
    const { http, udp, grpc, ops } = running.ports;
    const place = urlHost(host);
    const urls = {
      ...(http !== undefined && { http: `http://${place}:${http}/announce` }),
      ...(udp !== undefined && { udp: `udp://${place}:${udp}` }),
      ...(grpc !== undefined && { grpc: `${place}:${grpc}` }),
      ...(ops !== undefined && { ops: `http://${place}:${ops}` }),
    };
    output.event({
      event: 'ready',
      host: host ?? '0.0.0.0',
      ...(http !== undefined && { port: http }),
      ...urls,
    });
    output.print(`tracker on ${host ?? 'all addresses'}: ${Object.values(urls).join(', ')}`);
    output.note(`peers are kept in ${config.store === 'redis' ? 'Redis' : 'memory'}; Ctrl-C ends it`);
    await interruption();
  } finally {
    await running.close();
  }
}

/** @throws CliError `usage`, by the names of the options */
function configOf(
  { host, httpPort, udpPort, grpcPort, opsPort, store }: Arguments,
  { readTrackerConfig, ConfigError }: typeof import('@pixtorrent/tracker-service'),
): TrackerConfig {
  const picked = httpPort === 0;
  try {
    return readTrackerConfig({
      ...store,
      ...(host !== undefined && { TRACKER_HOST: host }),
      TRACKER_HTTP_PORT: `${httpPort}`,
      TRACKER_UDP_PORT: `${udpPort ?? httpPort}`,
      TRACKER_GRPC_PORT: `${grpcPort ?? (picked ? 0 : 6970)}`,
      TRACKER_OPS_PORT: `${opsPort ?? (picked ? 0 : 6971)}`,
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const message = error.message
      .replaceAll('REDIS_URL', '--store')
      .replaceAll(/TRACKER_([A-Z_]+)/g, (_, name: string) => `--${name.toLowerCase().replaceAll('_', '-')}`);
    throw new CliError('usage', message.replaceAll('\n', '; '));
  }
}

function urlHost(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
