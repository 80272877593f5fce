import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '@pixtorrent/core';
import { Networks } from '../networks.ts';
import type { TrackerLogic } from '../tracker-logic.ts';
import { Connection, type ConnectionShare } from './connection.ts';
import { Responder } from './responder.ts';

export interface HttpFrontendOptions {
  /**
   * Address to listen on.
   * @default every address of both families
   */
  readonly host?: string;
  /** 0 picks one. */
  readonly port: number;
  /**
   * Networks, `ADDRESS/BITS`, whose word is taken: `forwardedHeader` for where a request comes from, and the `ip` of
   * an announce for where the peer is. Whoever is believed can make the swarm call on any host.
   * @default none
   */
  readonly trustedProxies?: readonly string[];
  /**
   * The header in which proxies list where a request comes from.
   * @default none
   */
  readonly forwardedHeader?: string;
  /**
   * Connections at the same time; more are closed at once.
   * @default 10,000
   */
  readonly maxConnections?: number;
  /**
   * Milliseconds for a request to arrive whole, and for an asker to take its answers.
   * @default 10,000
   */
  readonly requestTimeout?: number;
  /**
   * Milliseconds for which a connection stays open without a request.
   * @default 60,000
   */
  readonly idleTimeout?: number;
}

/** Milliseconds for answers that are on their way when the frontend is closed. */
const CLOSE_GRACE = 2000;
/** Connections that the system keeps until they are accepted. */
const BACKLOG = 4096;

/** Announce and scrape over HTTP/1.1 (BEP 3, 7, 23, 31, 48), and `/healthz`. */
export class HttpFrontend implements ConnectionShare {
  readonly responder: Responder;
  readonly forwardedHeader: string;
  now = performance.now();
  closing = false;
  readonly #times: { readonly requestTimeout: number; readonly idleTimeout: number };
  readonly #connections = new Set<Connection>();
  readonly #sweep: NodeJS.Timeout;
  readonly #server: Server;
  #answered: Connection[] = [];
  #badRequests = 0;
  #turnedAway = 0;

  private constructor(logic: TrackerLogic, logger: Logger, options: HttpFrontendOptions) {
    const trusted = new Networks(options.trustedProxies ?? []);
    this.responder = new Responder({ logic, logger, trusted });
    this.forwardedHeader = options.forwardedHeader?.toLowerCase() ?? '';
    this.#times = {
      requestTimeout: options.requestTimeout ?? 10_000,
      idleTimeout: options.idleTimeout ?? 60_000,
    };
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = options.maxConnections ?? 10_000;
    this.#server.on('drop', () => this.#turnedAway++);
    const period = Math.min(1000, this.#times.requestTimeout / 4, this.#times.idleTimeout / 4);
    this.#sweep = setInterval(() => this.#check(), period).unref();
  }

  /** @throws the system's error where it cannot listen, `EADDRINUSE` for one */
  static async listen(
    logic: TrackerLogic,
    logger: Logger,
    options: HttpFrontendOptions,
  ): Promise<HttpFrontend> {
    const frontend = new HttpFrontend(logic, logger, options);
    const server = frontend.#server;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port: options.port, host: options.host, backlog: BACKLOG }, () => {
          server.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      clearInterval(frontend.#sweep);
      throw error;
    }
    server.on('error', (error) => logger.error('http frontend', { reason: error.message }));
    return frontend;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Open at the moment. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Connections that were closed at once, for there were too many. */
  get turnedAway(): number {
    return this.#turnedAway;
  }

  /** What came and was no request, or no whole one in time. */
  get badRequests(): number {
    return this.#badRequests;
  }

  /** Takes no more connections; fulfilled when the last is closed. */
  close(): Promise<void> {
    this.closing = true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        for (const connection of this.#connections) connection.destroy();
      }, CLOSE_GRACE);
      this.#server.close(() => {
        clearTimeout(timer);
        clearInterval(this.#sweep);
        resolve();
      });
      for (const connection of this.#connections) connection.close();
    });
  }

  answered(connection: Connection): void {
    // After all that can go on without waiting has gone on: answers that come together leave together.
    if (this.#answered.push(connection) === 1) process.nextTick(() => this.#flush());
  }

  refused(): void {
    this.#badRequests++;
  }

  #accept(socket: Socket): void {
    const connection = new Connection(socket, this);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  #flush(): void {
    const answered = this.#answered;
    this.#answered = [];
    for (let i = 0; i < answered.length; i++) answered[i]!.flush();
  }

  #check(): void {
    this.now = performance.now();
    for (const connection of this.#connections) connection.check(this.now, this.#times);
  }
}
