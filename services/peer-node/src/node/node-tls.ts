import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import type { ClientOptions } from '@pixtorrent/client';
import type { Logger } from '@pixtorrent/core';
import { type Metrics, systemTimers, TlsFiles, type TlsPem } from '@pixtorrent/service-kit';
import type { PeerConfig } from '../config/peer-settings.ts';

interface NodeCertificates extends TlsPem {
  readonly key: string;
  readonly certificate: string;
  readonly ca: string;
}

/** The certificates of a node, and what it uses them for: peers, its own ports, and the tracker service. */
export class NodeTls {
  readonly #config: PeerConfig;
  readonly #own: TlsFiles | undefined;
  readonly #ports: TlsFiles | undefined;

  /** @throws ConfigError where they cannot be used */
  constructor(config: PeerConfig, metrics: Metrics, logger: Logger) {
    this.#config = config;
    const { tlsKeyFile: key, tlsCertificateFile: certificate, tlsCaFile: ca, tlsClients } = config;
    const dependencies = { timers: systemTimers, logger, metrics };
    const pair = key !== undefined && certificate !== undefined && { key, certificate };
    if (pair || ca !== undefined)
      this.#own = new TlsFiles<TlsPem>(dependencies, {
        name: 'certificates',
        paths: { ...pair, ...(ca !== undefined && { ca }) },
      });
    if (!pair) return;
    // With an authority a port serves only whom it certifies.
    this.#ports = tlsClients
      ? this.#own
      : new TlsFiles<TlsPem>(dependencies, { name: 'certificates of the ports', paths: pair });
  }

  /** For the gRPC and the HTTP port; undefined where they are in the clear. */
  get ports(): TlsFiles | undefined {
    return this.#ports;
  }

  /** For connections with peers, and for the torrents' sessions with trackers. */
  get client(): Pick<ClientOptions, 'tls' | 'trackerTls'> {
    const own = this.#own;
    if (own === undefined) return {};
    const { tlsPeers } = this.#config;
    return {
      trackerTls: own,
      // The settings see to it that all of them are there.
      ...(tlsPeers !== 'off' && { tls: { policy: tlsPeers, identity: own as TlsFiles<NodeCertificates> } }),
    };
  }

  /** For calls of the tracker and the metrics service. */
  get tracker(): ChannelCredentials {
    if (!this.#config.trackerTls) return credentials.createInsecure();
    return this.#own?.channelCredentials() ?? credentials.createSsl();
  }

  /** Looks at the files no more. */
  close(): void {
    this.#own?.close();
    this.#ports?.close();
  }
}
