import { type Endpoint, endpointKey, type Logger, newPeerId, SeededRandom, toHex } from '@pixtorrent/core';
import { type Magnet, type Metainfo, metainfoFromInfoBytes } from '@pixtorrent/metainfo';
import { announce, systemClock } from '@pixtorrent/node-io';
import type { WireName } from '@pixtorrent/peer-protocol';
import { FILE_SYSTEM } from '../content/file-system.ts';
import { ClientError } from '../errors.ts';
import type { ClientResources } from '../resources.ts';
import { TrackerAnnouncer } from '../trackers/tracker-announcer.ts';
import { MetadataExchange } from './metadata-exchange.ts';

export interface MagnetOptions {
  readonly peers?: readonly Endpoint[];
  readonly signal?: AbortSignal;
  /** Milliseconds. @default 120,000 */
  readonly timeout?: number;
}

/** Peers asked at once. */
const AT_ONCE = 8;
/** Peers tried in all. */
const MAX_TRIED = 500;
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
  const tried = new Set<string>();
  const waiting: Endpoint[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  let busy = 0;

  const ask = async (endpoint: Endpoint, wire: WireName): Promise<void> => {
    busy++;
    try {
      const dialOptions = { infoHash: magnet.infoHash, peerId, shape: undefined, wire, signal: hunt.signal };
      const connection = await resources.transport.dial(endpoint, dialOptions);
      const info = await MetadataExchange.run(connection, magnet.infoHash, hunt.signal);
      if (info) resolve(info);
    } catch (error) {
      logger.debug('no metadata from a peer', {
        host: endpoint.host,
        port: endpoint.port,
        why: String(error),
      });
    } finally {
      busy--;
      next();
    }
  };
  const next = (): void => {
    while (busy < AT_ONCE && !hunt.signal.aborted && waiting.length > 0) void ask(waiting.shift()!, 'bep3');
  };
  const found = (peers: readonly Endpoint[]): void => {
    for (const peer of peers) {
      const key = endpointKey(peer);
      if (tried.has(key) || tried.size >= MAX_TRIED) continue;
      tried.add(key);
      waiting.push(peer);
    }
    next();
  };

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
      announce,
      clock: systemClock,
      timers: resources.timers,
      random: new SeededRandom(resources.seed()),
      logger,
      figures: () => ({ uploaded: 0, downloaded: 0, left: 1 }),
      onPeers: found,
    },
    { tiers: magnet.trackers.map((url) => [url]), infoHash: magnet.infoHash, peerId, port: resources.port },
  );
  try {
    announcer.start();
    found([...(options.peers ?? []), ...magnet.peers]);
    const info = await promise;
    const trackers = magnet.trackers.map((url) => [url]);
    return metainfoFromInfoBytes(
      info,
      { trackers, webSeeds: [...magnet.webSeeds] },
      { fileSystem: FILE_SYSTEM },
    );
  } finally {
    timer.cancel();
    options.signal?.removeEventListener('abort', abort);
    hunt.abort();
    await announcer.stop();
  }
}
