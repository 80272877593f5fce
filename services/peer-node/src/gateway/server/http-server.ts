import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Logger, printable } from '@pixtorrent/core';
import { type Problem, type TlsFiles, writeProblem } from '@pixtorrent/service-kit';
import { answerBroken } from './broken-request.ts';
import type { HttpRoute } from './http-route.ts';
import { parseTarget, type RequestTarget } from './request-target.ts';

export interface HttpServerOptions {
  /** @default every address */
  readonly host?: string | undefined;
  /** 0 has the system pick one. */
  readonly port: number;
  readonly routes: readonly HttpRoute[];
  /** @default in the clear */
  readonly tls?: Pick<TlsFiles, 'serve'> | undefined;
  /** Connections at a time; who comes when there are as many is turned away. @default 1024 */
  readonly maxConnections?: number;
}

/** Requests since the start, by method and class of status (`2xx`). */
export type RequestCounts = ReadonlyMap<
  string,
  { readonly method: string; readonly status: string; count: number }
>;

/** Bytes of all headers of a request. */
const LARGEST_HEADER = 16 * 1024;
/** Milliseconds. */
const HEADERS_TIMEOUT = 10_000;
const KEEP_ALIVE = 65_000;
const MAX_CONNECTIONS = 1024;
const METHODS = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS']);

/** The HTTP side of a node: routes behind one port, with bounds on who is connected. */
export class HttpServer {
  readonly #server: Server;
  readonly #routes: readonly HttpRoute[];
  readonly #logger: Logger;
  readonly #counts = new Map<string, { readonly method: string; readonly status: string; count: number }>();
  #connections = 0;
  #turnedAway = 0;
  #closing = false;

  private constructor(options: HttpServerOptions, logger: Logger) {
    this.#routes = options.routes;
    this.#logger = logger;
    const serverOptions: ServerOptions = {
      maxHeaderSize: LARGEST_HEADER,
      headersTimeout: HEADERS_TIMEOUT,
      keepAliveTimeout: KEEP_ALIVE,
      // What is uploaded may take its time: whoever reads it has a deadline for each part of it.
      requestTimeout: 0,
      connectionsCheckingInterval: HEADERS_TIMEOUT / 4,
      noDelay: true,
    };
    if (options.tls === undefined) this.#server = createServer(serverOptions);
    else {
      const server = createTlsServer({ ...serverOptions, minVersion: 'TLSv1.2' });
      options.tls.serve(server);
      this.#server = server;
    }
    this.#server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
    this.#listenTo(this.#server);
  }

  /** @throws the system's error where it cannot listen, `EADDRINUSE` for one */
  static async listen(options: HttpServerOptions, logger: Logger): Promise<HttpServer> {
    const server = new HttpServer(options, logger);
    const { host, port } = options;
    server.#server.listen({ port, ...(host !== undefined && { host }) });
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#connections;
  }

  /** Connections that were closed at once, for there were too many. */
  get turnedAway(): number {
    return this.#turnedAway;
  }

  get requests(): RequestCounts {
    return this.#counts;
  }

  /**
   * Takes nothing more in; fulfilled when all that was asked is answered, or cut off after `grace`.
   * @param grace milliseconds
   */
  async close(grace: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    const cut = setTimeout(() => this.#server.closeAllConnections(), grace);
    await closed;
    clearTimeout(cut);
  }

  #listenTo(server: Server): void {
    const take = (request: IncomingMessage, response: ServerResponse, asks: boolean): void => {
      void this.#serve(request, response, asks);
    };
    server
      .on('request', (request, response) => take(request, response, false))
      .on('checkContinue', (request, response) => take(request, response, true))
      .on('connection', (socket: Socket) => {
        this.#connections++;
        socket.once('close', () => this.#connections--);
      })
      .on('drop', () => this.#turnedAway++)
      .on('clientError', (error: NodeJS.ErrnoException, socket) => {
        this.#count('other', answerBroken(error, socket as Socket));
      });
  }

  async #serve(request: IncomingMessage, response: ServerResponse, asksFirst: boolean): Promise<void> {
    const abort = new AbortController();
    response.once('close', () => {
      this.#count(request.method ?? '', response.writableEnded ? response.statusCode : 0);
      abort.abort();
      // Its connection is idle from now on, and nobody is to ask for more.
      if (this.#closing) setImmediate(() => this.#server.closeIdleConnections());
    });
    // A body that nobody reads: it has no deadline, and must not keep the connection.
    if (this.#closing || (request.method !== 'PUT' && hasBody(request))) response.shouldKeepAlive = false;
    const target = parseTarget(request.url ?? '');
    const found = target === undefined ? BAD_PATH : this.#route(request.method ?? '', target);
    if (!('handle' in found)) {
      writeProblem(response, found);
      return;
    }
    const proceed = (): void => {
      if (asksFirst) response.writeContinue();
    };
    try {
      await found.handle({ request, response, target: target!, signal: abort.signal, continue: proceed });
    } catch (error) {
      if (!abort.signal.aborted) this.#failed(request, response, found.problemOf(error), error);
    }
  }

  #route(method: string, { segments }: RequestTarget): HttpRoute | Problem {
    const routes = this.#routes.filter(({ prefix }) => prefix.every((part, at) => part === segments[at]));
    if (routes.length === 0) return { status: 404, detail: 'nothing is at this path' };
    const allow = routes.flatMap(({ methods }) => methods).join(', ');
    return (
      routes.find(({ methods }) => methods.includes(method)) ?? {
        status: 405,
        detail: `here one can ${allow}`,
        headers: { allow },
      }
    );
  }

  #failed(
    request: IncomingMessage,
    response: ServerResponse,
    problem: Problem | undefined,
    error: unknown,
  ): void {
    const about = { path: printable(request.url ?? ''), reason: printable(String(error), 500) };
    if (problem === undefined) this.#logger.error('a request could not be served', about);
    else if (response.headersSent) this.#logger.warn('an answer was cut off', about);
    writeProblem(response, problem ?? { status: 500 });
  }

  #count(method: string, status: number): void {
    const labels = {
      method: METHODS.has(method) ? method : 'other',
      status: status === 0 ? 'cut' : `${Math.floor(status / 100)}xx`,
    };
    const key = `${labels.method} ${labels.status}`;
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { ...labels, count: 1 });
    else known.count++;
  }
}

const BAD_PATH: Problem = { status: 400, detail: 'the path cannot be used' };

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
