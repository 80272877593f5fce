import { type Endpoint, type Logger, newPeerId, SeededRandom, type Timer, toHex } from '@pixtorrent/core';
import { type Magnet, type Metainfo, metainfoFromInfoBytes } from '@pixtorrent/metainfo';
import { systemClock } from '@pixtorrent/node-io';
import type { WireName } from '@pixtorrent/peer-protocol';
import { FILE_SYSTEM } from '../content/file-system.ts';
import { ClientError } from '../errors.ts';
import type { ClientResources } from '../resources.ts';
import { TrackerAnnouncer } from '../trackers/tracker-announcer.ts';
import type { TrackerStatus } from '../trackers/tracker-status.ts';
import { MetadataExchange } from './metadata-exchange.ts';
import { PeerHunt } from './peer-hunt.ts';

export interface MagnetOptions {
  readonly peers?: readonly Endpoint[];
  /** The wires that may be spoken. @default both; peers are asked on BEP 3, which all speak */
  readonly wires?: readonly WireName[];
  readonly signal?: AbortSignal;
  /** How things stand with a tracker has changed. */
  readonly onTracker?: (url: string, status: TrackerStatus) => void;
  /** Milliseconds. @default 120,000 */
  readonly timeout?: number;
}

/** How often the trackers are asked for more peers, as far as they allow, milliseconds. */
const NEED_PEERS_PERIOD = 5000;
const DEFAULT_TIMEOUT = 120_000;

/**
 * Gets the metainfo that a magnet link stands for: asks its trackers and peers for the info dictionary (BEP 9), and
 * takes the first whose hash is right.
 * @throws ClientError `no-metadata` when the time is up; MetainfoError where it is not a torrent that can be used; the
 *   signal's reason when it is aborted
 */
export async function fetchMetadata(
  resources: ClientResources,
  logger: Logger,
  magnet: Magnet,
  options: MagnetOptions,
): Promise<Metainfo> {
  const hunt = new AbortController();
  const peerId = newPeerId();
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const wire = options.wires?.length === 1 ? options.wires[0] : 'bep3';

  const peers = new PeerHunt(async (endpoint) => {
    try {
      const dialOptions = { infoHash: magnet.infoHash, peerId, shape: undefined, wire, signal: hunt.signal };
      const connection = await resources.transport.dial(endpoint, dialOptions);
      const info = await MetadataExchange.run(connection, magnet.infoHash, hunt.signal);
      if (info) resolve(info);
    } catch (error) {
      const { host, port } = endpoint;
      logger.debug('no metadata from a peer', { host, port, why: String(error) });
    }
  }, resources.timers);

  const timeout = options.timeout ?? DEFAULT_TIMEOUT;
  const timer = resources.timers.after(timeout, () => {
    reject(
      new ClientError(
        'no-metadata',
        `no peer gave the metadata of ${toHex(magnet.infoHash)} in ${timeout / 1000} s`,
      ),
    );
  });
  const abort = () => reject(options.signal?.reason);
  options.signal?.addEventListener('abort', abort, { once: true });
  const announcer = new TrackerAnnouncer(
    {
      announce: resources.announce,
      clock: systemClock,
      timers: resources.timers,
      random: new SeededRandom(resources.seed()),
      logger,
      figures: () => ({ uploaded: 0, downloaded: 0, left: 1 }),
      onPeers: (found) => peers.found(found),
      ...(options.onTracker && { onStatus: options.onTracker }),
    },
    {
      tiers: magnet.trackers.map((url) => [url]),
      infoHash: magnet.infoHash,
      peerId,
      port: resources.port,
      pixwire: options.wires?.includes('pixwire') ?? true,
    },
  );
  let asking: Timer | undefined;
  const needPeers = () => {
    announcer.needPeers();
    asking = resources.timers.after(NEED_PEERS_PERIOD, needPeers);
  };
  try {
    announcer.start();
    needPeers();
    peers.found([...(options.peers ?? []), ...magnet.peers]);
    const info = await promise;
    const trackers = magnet.trackers.map((url) => [url]);
    return metainfoFromInfoBytes(
      info,
      { trackers, webSeeds: [...magnet.webSeeds] },
      { fileSystem: FILE_SYSTEM },
    );
  } finally {
    timer.cancel();
    asking?.cancel();
    peers.end();
    options.signal?.removeEventListener('abort', abort);
    hunt.abort();
    await announcer.stop();
  }
}
