import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Logger, unreachable } from '@pixtorrent/core';
import {
  encodeCompactAnswer,
  encodeDictionaryAnswer,
  encodeScrapeAnswer,
  parseIp,
  TrackerError,
} from '@pixtorrent/tracker-protocol';
import { PeerStoreError } from '../../errors.ts';
import type { TrackerLogic } from '../tracker-logic.ts';
import { sendBencode, sendFailure, sendText } from './answer.ts';
import { type HttpRequest, readRequest } from './request.ts';

export interface HttpFrontendOptions {
  /**
   * Address to listen on.
   * @default every address of both families
   */
  readonly host?: string;
  /** 0 picks one. */
  readonly port: number;
  /**
   * Whether an announce may name the peer's address by `ip`. Whoever may can make the swarm call on any host.
   * @default false
   */
  readonly acceptIp?: boolean;
  /**
   * Connections at the same time; more are closed at once.
   * @default 10,000
   */
  readonly maxConnections?: number;
  /**
   * Milliseconds for a request to arrive whole.
   * @default 10,000
   */
  readonly requestTimeout?: number;
  /**
   * Milliseconds for which a connection stays open without a request.
   * @default 60,000
   */
  readonly idleTimeout?: number;
}

/** Bytes of request line and headers; a scrape of the most torrents has room. */
const MAX_HEADER_BYTES = 8 * 1024;
/** Milliseconds for answers that are on their way when the frontend is closed. */
const CLOSE_GRACE = 2000;

/** Announce and scrape over HTTP (BEP 3, 7, 23, 48), and `/healthz`. Headers are not asked where a peer is. */
export class HttpFrontend {
  readonly #logic: TrackerLogic;
  readonly #logger: Logger;
  readonly #acceptIp: boolean;
  readonly #server: Server;
  /** An address is read once a connection, not once a request. */
  readonly #addresses = new WeakMap<Socket, Uint8Array>();

  private constructor(logic: TrackerLogic, logger: Logger, options: HttpFrontendOptions) {
    this.#logic = logic;
    this.#logger = logger;
    this.#acceptIp = options.acceptIp ?? false;
    const requestTimeout = options.requestTimeout ?? 10_000;
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        requestTimeout,
        headersTimeout: requestTimeout,
        keepAliveTimeout: options.idleTimeout ?? 60_000,
        connectionsCheckingInterval: Math.min(requestTimeout, 5000),
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = options.maxConnections ?? 10_000;
  }

  /** @throws the system's error where it cannot listen, `EADDRINUSE` for one */
  static async listen(
    logic: TrackerLogic,
    logger: Logger,
    options: HttpFrontendOptions,
  ): Promise<HttpFrontend> {
    const frontend = new HttpFrontend(logic, logger, options);
    const server = frontend.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error) => logger.error('http frontend', { reason: error.message }));
    return frontend;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes no more requests; fulfilled when the last connection is closed. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSE_GRACE);
      this.#server.close(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(readRequest(request.method!, request.url!), request.socket, response);
    } catch (error) {
      if (error instanceof TrackerError) sendFailure(response, error.message);
      else if (error instanceof PeerStoreError) sendFailure(response, error.message, 503);
      else {
        this.#logger.error('request failed', { reason: String(error) });
        sendFailure(response, 'the tracker has a fault', 500);
      }
    }
  }

  async #answer(request: HttpRequest, socket: Socket, response: ServerResponse): Promise<void> {
    switch (request.type) {
      case 'announce': {
        const { query } = request;
        const address =
          (this.#acceptIp && query.ip ? parseIp(query.ip) : undefined) ?? this.#addressOf(socket);
        const ids = !query.compact && !query.noPeerId;
        const answer = await this.#logic.announce(query, { address, families: 'both', ids });
        return sendBencode(
          response,
          query.compact ? encodeCompactAnswer(answer) : encodeDictionaryAnswer(answer),
        );
      }
      case 'scrape': {
        const entries = await this.#logic.scrape(request.infoHashes);
        return sendBencode(response, encodeScrapeAnswer(request.infoHashes, entries));
      }
      case 'health':
        return sendText(response, 200, 'ok\n');
      case 'wrong-method':
        return sendText(response, 405, 'only GET is answered here\n');
      case 'unknown-path':
        return sendText(response, 404, 'there are /announce, /scrape and /healthz\n');
      default:
        unreachable(request);
    }
  }

  #addressOf(socket: Socket): Uint8Array {
    const known = this.#addresses.get(socket);
    if (known !== undefined) return known;
    // A link-local address comes with its zone, which means nothing to other peers.
    const address = parseIp((socket.remoteAddress ?? '').replace(/%.*$/, ''));
    if (address === undefined) throw new TrackerError('malformed', 'the connection has no IP address');
    this.#addresses.set(socket, address);
    return address;
  }
}
