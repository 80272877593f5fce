import type { ServerWritableStream } from '@grpc/grpc-js';
import { peer as wire } from '@pixtorrent/contracts';
import type { Logger, Timers } from '@pixtorrent/core';
import {
  type ErrorMapper,
  type GrpcService,
  loggingFaults,
  StatusError,
  toServiceError,
  unary,
} from '@pixtorrent/service-kit';
import type { AllowedHosts } from '../ingest/addresses.ts';
import type { PeerNode } from '../node/peer-node.ts';
import { ingest } from './ingest-call.ts';
import { drainMessage, statusOf } from './peer-messages.ts';
import { watchOf } from './peer-requests.ts';
import { TorrentCalls } from './torrent-calls.ts';
import { TorrentViews } from './torrent-views.ts';
import { TorrentWatcher } from './torrent-watcher.ts';
import { upload } from './uploads.ts';

export interface PeerServiceDependencies {
  readonly node: PeerNode;
  readonly allowed: AllowedHosts;
  readonly timers: Timers;
  readonly logger: Logger;
}

export interface PeerServiceOptions {
  readonly version: string;
  /** Folder that content may be taken in from. */
  readonly ingestDir: string | undefined;
  /** Milliseconds that a drain may take where nothing else is said. */
  readonly drainTimeout: number;
  /**
   * Calls of WatchTorrents and Drain at the same time; more are refused.
   * @default 256
   */
  readonly maxStreams?: number;
}

export interface PeerService extends GrpcService {
  /** Calls of WatchTorrents and Drain that are under way. */
  readonly streams: number;
  /** Ends those who watch: the node is about to end. */
  close(): Promise<void>;
}

/** What changes something: those who ask for it have to have a token. */
const CHANGING = new Set(['AddTorrent', 'RemoveTorrent', 'SetLimits', 'Drain', 'Upload', 'Ingest']);

/** @param path of a method: `/pixtorrent.peer.v1.PeerService/Drain` */
export function changes(path: string): boolean {
  const [, service, method] = path.split('/');
  return service === 'pixtorrent.peer.v1.PeerService' && CHANGING.has(method!);
}

/** pixtorrent.peer.v1.PeerService of a node. */
export function peerService(dependencies: PeerServiceDependencies, options: PeerServiceOptions): PeerService {
  const { node, allowed, timers, logger } = dependencies;
  const mapError = loggingFaults(logger, statusOf);
  const views = new TorrentViews(node.catalogue);
  const calls = new TorrentCalls(node, views);
  const streams = new Streams(mapError, options.maxStreams ?? 256);
  const { ingestor } = node;
  const implementation: wire.PeerServiceServer = {
    getNode: unary(async () => ({ node: nodeStatus(node, options.version) }), mapError),
    addTorrent: unary((request, call) => {
      const cancelled = new AbortController();
      call.once('cancelled', () => cancelled.abort());
      return calls.add(request, cancelled.signal);
    }, mapError),
    removeTorrent: unary((request) => calls.remove(request), mapError),
    listTorrents: unary(async (request) => calls.list(request), mapError),
    getTorrent: unary(async (request) => calls.get(request), mapError),
    listPeers: unary(async (request) => calls.peers(request), mapError),
    setLimits: unary(async (request) => calls.setLimits(request), mapError),
    watchTorrents: (call) =>
      streams.run(call, async (signal) => {
        const watcher = new TorrentWatcher(
          { call, torrents: node.torrents, views, timers, mapError },
          watchOf(call.request),
        );
        signal.addEventListener('abort', () => watcher.end(signal.reason), { once: true });
        await watcher.run();
      }),
    drain: (call) =>
      streams.run(call, async (signal) => {
        const timeout = call.request.timeoutMs === 0 ? options.drainTimeout : call.request.timeoutMs;
        for await (const report of node.drain(timeout, signal)) call.write(drainMessage(report));
        call.end();
      }),
    upload: (call, answer) => void upload({ ingestor, timers, mapError }, call, answer),
    ingest: (call) => void ingest({ ingestor, allowed, folder: options.ingestDir, timers, mapError }, call),
  };
  return {
    definition: wire.PeerServiceService,
    implementation,
    get streams() {
      return streams.size;
    },
    async close() {
      await Promise.all([streams.close(), ingestor.close()]);
      views.close();
    },
  };
}

function nodeStatus(node: PeerNode, version: string): wire.NodeStatus {
  const { name, diskBudget, diskUsed } = node.describe();
  return {
    name,
    version,
    draining: node.draining,
    diskBudget,
    diskUsed,
    diskFree: node.disk.free,
    torrents: node.torrents.size,
    limits: node.client.limits,
  };
}

/** Calls that tell something for long. */
class Streams {
  readonly #mapError: ErrorMapper;
  readonly #most: number;
  readonly #running = new Map<AbortController, Promise<void>>();
  #closed = false;

  constructor(mapError: ErrorMapper, most: number) {
    this.#mapError = mapError;
    this.#most = most;
  }

  get size(): number {
    return this.#running.size;
  }

  run<Request, Response>(
    call: ServerWritableStream<Request, Response>,
    work: (signal: AbortSignal) => Promise<void>,
  ): void {
    const abort = new AbortController();
    const end = (error: unknown): void => {
      if (!call.cancelled) call.emit('error', toServiceError(error, this.#mapError));
    };
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      end(refusal);
      return;
    }
    call.once('cancelled', () => abort.abort());
    if (call.cancelled) abort.abort();
    // Started in a promise, so that what it throws at once goes the same way.
    const running = Promise.resolve()
      .then(() => work(abort.signal))
      .catch(end)
      .finally(() => this.#running.delete(abort));
    this.#running.set(abort, running);
  }

  #refusal(): StatusError | undefined {
    if (this.#closed) return goingAway();
    if (this.#running.size < this.#most) return undefined;
    return new StatusError('RESOURCE_EXHAUSTED', `${this.#most} listen here already`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const abort of this.#running.keys()) abort.abort(goingAway());
    await Promise.all(this.#running.values());
  }
}

function goingAway(): StatusError {
  return new StatusError('UNAVAILABLE', 'this node is about to end');
}
