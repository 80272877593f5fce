import type { Server } from 'node:tls';
import { type ChannelCredentials, experimental, type ServerCredentials } from '@grpc/grpc-js';
import { WatchedFiles, type WatchedFilesDependencies } from '../files/watched-files.ts';
import { sharedMetric } from '../metrics/shared-metric.ts';
import { wallClock } from '../time/system.ts';
import { checkCertificates, type TlsPem } from './certificate-check.ts';
import { GrpcCertificates } from './grpc-certificates.ts';

export interface TlsFilesOptions<Paths extends TlsPem> {
  /** What they are for: `gRPC certificates`. A constant: it is a label of metrics. */
  readonly name: string;
  readonly paths: Paths;
  /** Milliseconds between two looks at the files. @default 10,000 */
  readonly period?: number;
}

const expiry = sharedMetric((metrics) =>
  metrics.gauge({
    name: 'certificate_expires_timestamp_seconds',
    help: 'When the certificate in force expires, since 1970',
    labels: ['files'],
  }),
);

/**
 * A key, certificates and authorities from files that may change: new connections use what is there then, open ones go
 * on. What cannot be used, or has expired, does not replace what can.
 */
export class TlsFiles<Paths extends TlsPem = TlsPem> {
  readonly #paths: Paths;
  readonly #files: WatchedFiles<Paths>;
  readonly #grpc = new GrpcCertificates(this);

  /** Reads them at once. @throws ConfigError where they cannot be used */
  constructor(dependencies: WatchedFilesDependencies, options: TlsFilesOptions<Paths>) {
    const { name, paths, period } = options;
    const { metrics } = dependencies;
    const given: [string, string | undefined][] = Object.entries(paths);
    const entries = given.filter((entry): entry is [string, string] => entry[1] !== undefined);
    this.#paths = paths;
    this.#files = new WatchedFiles(dependencies, {
      name,
      paths: entries.map(([, path]) => path),
      parse: (contents) => {
        const pem = Object.fromEntries(entries.map(([part], at) => [part, contents[at]])) as unknown as Paths;
        const expires = checkCertificates(pem, wallClock.now());
        if (metrics !== undefined && expires !== undefined)
          expiry(metrics).set({ files: name }, Math.floor(expires / 1000));
        return pem;
      },
      ...(period !== undefined && { period }),
    });
  }

  /** PEM, by the names of the paths; the same object for as long as nothing has changed. */
  certificates(): Paths {
    return this.#files.current;
  }

  /** Calls `listener` after each change. @returns how to have that end */
  onChange(listener: () => void): () => void {
    return this.#files.onChange(listener);
  }

  /** For a gRPC server. With `ca` only clients that it certifies are served. */
  serverCredentials(): ServerCredentials {
    const authorities = this.#paths.ca === undefined ? null : this.#grpc;
    // By their names the first two parameters would be the other way round.
    return experimental.createCertificateProviderServerCredentials(this.#grpc, authorities, true);
  }

  /** For a gRPC channel. Without `ca` servers are certified by whom the runtime trusts. */
  channelCredentials(): ChannelCredentials {
    const identity = this.#paths.key === undefined ? null : this.#grpc;
    return experimental.createCertificateProviderChannelCredentials(this.#grpc, identity);
  }

  /** Has a server of `node:https` use them from now on, until it is closed. */
  serve(server: Server): void {
    const use = (): void => {
      const { key, certificate, ca } = this.certificates();
      server.setSecureContext({ key, cert: certificate, ca });
    };
    use();
    server.once('close', this.onChange(use));
  }

  /** Looks at the files no more. What is in force stays so. */
  close(): void {
    this.#files.close();
  }
}
