import type { Endpoint } from '@pixtorrent/core';
import { CliError } from '../errors.ts';
import { type CommandLine, endpoint, one, text } from '../options.ts';

/** Where a tracker service is by default. */
export const DEFAULT_SERVER: Endpoint = { host: 'localhost', port: 6970 };

/** Adds what every command takes that drives a cluster. */
export const clusterOptions = (yargs: CommandLine) =>
  yargs
    .option('server', {
      describe:
        'gRPC port of the tracker service, as HOST:PORT [default: $PIXTORRENT_SERVER, else the swarm of the kube context, else localhost:6970]',
      type: 'string',
      coerce: one('server', endpoint),
    })
    .option('context', {
      describe: 'kube context to find the swarm in, in place of the current one',
      type: 'string',
      conflicts: 'server',
      coerce: one('context', text),
    })
    .option('namespace', {
      alias: 'n',
      describe: "namespace that the swarm is installed in [default: the context's]",
      type: 'string',
      conflicts: 'server',
      coerce: one('namespace', text),
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
    })
    .option('tls-server-name', {
      describe: 'name that the certificates of the services have, where they are reached by another',
      type: 'string',
      implies: 'tls-ca',
      coerce: one('tls-server-name', text),
    });

/** Adds what commands take that change a node. */
export const tokenOptions = (yargs: ReturnType<typeof clusterOptions>) =>
  yargs.option('token-file', {
    describe: 'file with the bearer token of the nodes [default: the token in $PIXTORRENT_TOKEN]',
    type: 'string',
    coerce: one('token-file', text),
  });

/** Where the tracker service is said to be, if anywhere. @throws CliError `usage` */
export function serverOf({ server }: { readonly server?: Endpoint | undefined }): Endpoint | undefined {
  if (server !== undefined) return server;
  const text = process.env.PIXTORRENT_SERVER;
  if (!text) return undefined;
  try {
    return endpoint(text, 'server');
  } catch {
    throw new CliError('usage', 'PIXTORRENT_SERVER: give HOST:PORT, an IPv6 address in brackets');
  }
}
