import type { Endpoint } from '@pixtorrent/core';
import { CliError } from '../errors.ts';
import { type CommandLine, endpoint, one, text } from '../options.ts';

const DEFAULT_SERVER = 'localhost:6970';

/** Adds what every command takes that drives a cluster. */
export const clusterOptions = (yargs: CommandLine) =>
  yargs
    .option('server', {
      describe:
        'gRPC port of the tracker service, as HOST:PORT [default: $PIXTORRENT_SERVER, else localhost:6970]',
      type: 'string',
      coerce: one('server', endpoint),
    })
    .option('tls-ca', {
      describe: 'certificates (PEM) by which the services are certified: they are spoken to by TLS then',
      type: 'string',
      coerce: one('tls-ca', text),
    })
    .option('tls-cert', {
      describe: 'certificate (PEM) to show to services that want one, with --tls-key',
      type: 'string',
      implies: ['tls-ca', 'tls-key'],
      coerce: one('tls-cert', text),
    })
    .option('tls-key', {
      describe: 'its key (PEM)',
      type: 'string',
      implies: 'tls-cert',
      coerce: one('tls-key', text),
    });

/** Adds what commands take that change a node. */
export const tokenOptions = (yargs: ReturnType<typeof clusterOptions>) =>
  yargs.option('token-file', {
    describe: 'file with the bearer token of the nodes [default: the token in $PIXTORRENT_TOKEN]',
    type: 'string',
    coerce: one('token-file', text),
  });

/** Where the tracker service is. @throws CliError `usage` */
export function serverOf({ server }: { readonly server?: Endpoint | undefined }): Endpoint {
  if (server !== undefined) return server;
  const text = process.env.PIXTORRENT_SERVER;
  if (!text) return endpoint(DEFAULT_SERVER, 'server');
  try {
    return endpoint(text, 'server');
  } catch {
    throw new CliError('usage', 'PIXTORRENT_SERVER: give HOST:PORT, an IPv6 address in brackets');
  }
}
