import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Abstract, DynamicModule, INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Logger } from '@pixtorrent/core';
import { NestLogger } from '../logging/nest-logger.ts';

/** It is asked by a handful of probes and collectors. */
const MAX_CONNECTIONS = 256;
/** Milliseconds. */
const REQUEST_TIMEOUT = 10_000;
/** Milliseconds; longer than the usual time between two collections of metrics. */
const IDLE_TIMEOUT = 65_000;

/** A service as a Nest application, whose HTTP side is its operations port alone. */
export class OperationsApp {
  readonly #app: INestApplication<Server>;

  private constructor(app: INestApplication<Server>) {
    this.#app = app;
  }

  /** Makes what the modules provide; nothing listens yet. @throws whatever a provider throws */
  static async create(module: DynamicModule | Type, logger: Logger): Promise<OperationsApp> {
    const app = await NestFactory.create<NestExpressApplication>(module as Type, {
      logger: new NestLogger(logger),
      abortOnError: false,
      bodyParser: false,
      forceCloseConnections: true,
    });
    app.disable('x-powered-by');
    const server = app.getHttpServer();
    server.maxConnections = MAX_CONNECTIONS;
    server.requestTimeout = REQUEST_TIMEOUT;
    server.headersTimeout = REQUEST_TIMEOUT;
    server.keepAliveTimeout = IDLE_TIMEOUT;
    return new OperationsApp(app);
  }

  get<T>(token: Abstract<T> | symbol): T {
    return this.#app.get<T>(token, { strict: false });
  }

  /** Makes the application ready without a port. */
  async init(): Promise<void> {
    await this.#app.init();
  }

  /**
   * @param host every address of both families where it is missing @returns the port
   * @throws the system's error where it cannot listen, `EADDRINUSE` for one
   */
  async listen(port: number, host: string | undefined): Promise<number> {
    const server: Server =
      host === undefined ? await this.#app.listen(port) : await this.#app.listen(port, host);
    return (server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return this.#app.close();
  }
}
