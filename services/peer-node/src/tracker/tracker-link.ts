import type { ChannelCredentials, ClientOptions } from '@grpc/grpc-js';
import { catalog, cluster } from '@pixtorrent/contracts';
import type { HostAndPort } from '@pixtorrent/service-kit';

/** Bytes of a message: an entry with the largest torrent that the catalogue takes, and some more. */
const LARGEST_MESSAGE = 20 * 2 ** 20;

const OPTIONS: ClientOptions = {
  'grpc.max_receive_message_length': LARGEST_MESSAGE,
  'grpc.max_send_message_length': LARGEST_MESSAGE,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 5000,
  // A name that stands for several replicas: whichever of them answers.
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
};

interface Clients {
  readonly catalog: catalog.CatalogServiceClient;
  readonly cluster: cluster.ClusterServiceClient;
}

/** The tracker service, as this node calls it: one of several addresses at a time. */
export class TrackerLink {
  readonly #addresses: readonly HostAndPort[];
  readonly #credentials: ChannelCredentials;
  #at = 0;
  #clients: Clients;

  /** @param addresses at least one */
  constructor(addresses: readonly HostAndPort[], credentials: ChannelCredentials) {
    this.#addresses = addresses;
    this.#credentials = credentials;
    this.#clients = this.#connect();
  }

  get catalog(): catalog.CatalogServiceClient {
    return this.#clients.catalog;
  }

  get cluster(): cluster.ClusterServiceClient {
    return this.#clients.cluster;
  }

  /** The one in use does not answer: the next is used from now on. */
  next(failed: Clients['catalog'] | Clients['cluster']): void {
    const current = failed === this.#clients.catalog || failed === this.#clients.cluster;
    if (!current || this.#addresses.length === 1) return;
    this.close();
    this.#at = (this.#at + 1) % this.#addresses.length;
    this.#clients = this.#connect();
  }

  close(): void {
    this.#clients.catalog.close();
    this.#clients.cluster.close();
  }

  #connect(): Clients {
    const { host, port } = this.#addresses[this.#at]!;
    const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const client = new catalog.CatalogServiceClient(target, this.#credentials, OPTIONS);
    const channelOverride = client.getChannel();
    return {
      catalog: client,
      cluster: new cluster.ClusterServiceClient(target, this.#credentials, { ...OPTIONS, channelOverride }),
    };
  }
}
