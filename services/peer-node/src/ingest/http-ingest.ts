import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type Timers, toHex } from '@pixtorrent/core';
import type { Access } from '../access/access.ts';
import type { Exchange, HttpRoute } from '../gateway/server/http-route.ts';
import { bodyOf } from './http-body.ts';
import { putProblem } from './http-problem.ts';
import { type PutRequest, readPut } from './http-request.ts';
import type { Ingestor, Published } from './ingestor.ts';
import { takeTar } from './tar.ts';

export interface HttpIngestDependencies {
  readonly ingestor: Pick<Ingestor, 'ingest'>;
  readonly access: Pick<Access, 'admits'>;
  readonly timers: Timers;
}

export interface HttpIngestOptions {
  /**
   * Milliseconds for which a client may send nothing.
   * @default 60_000
   */
  readonly idle?: number;
}

/**
 * Takes in what is put over HTTP, and publishes it: `PUT /v1/content/NAME/FILE`, or an archive at `NAME/`. A client that
 * asks first is told to go on when its token, the name and the size are right and there is room.
 */
export class HttpIngest implements HttpRoute {
  readonly methods = ['PUT'];
  readonly prefix = ['v1', 'content'];
  readonly problemOf = putProblem;
  readonly #deps: HttpIngestDependencies;
  readonly #idle: number;

  constructor(dependencies: HttpIngestDependencies, { idle = 60_000 }: HttpIngestOptions = {}) {
    this.#deps = dependencies;
    this.#idle = idle;
  }

  async handle(exchange: Exchange): Promise<void> {
    const { request, response, target } = exchange;
    const { access, ingestor } = this.#deps;
    if (!access.admits(request, response)) return;
    const path = target.segments.slice(this.prefix.length);
    const { publication, ...content } = readPut(path, target.folder, target.query, request.headers);
    const published = await ingestor.ingest(publication, {
      ...content,
      signal: exchange.signal,
      fill: async (incoming, signal) => {
        exchange.continue();
        const bytes = this.#body(request, signal);
        if (content.directory) await takeTar(incoming, Readable.from(bytes, { objectMode: false }), signal);
        else await incoming.file([], bytes);
      },
    });
    tell(response, published, content);
  }

  #body(request: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
    return bodyOf(request, { idle: this.#idle, timers: this.#deps.timers, signal });
  }
}

function tell(
  response: ServerResponse,
  { entry, unchanged }: Published,
  content: Pick<PutRequest, 'name' | 'directory'>,
): void {
  const { name, version, infoHash, size } = entry;
  const inside = content.directory ? '' : encodeURIComponent(content.name);
  const location = `/v1/content/${name.split('/').map(encodeURIComponent).join('/')}@${version}/${inside}`;
  const body = Buffer.from(JSON.stringify({ name, version, infoHash: toHex(infoHash), size, unchanged }));
  response.writeHead(unchanged ? 200 : 201, {
    location,
    'cache-control': 'no-store',
    'content-type': 'application/json',
    'content-length': body.length,
  });
  response.end(body);
}
