import type { Clock, Timers } from '@pixtorrent/core';
import type { PeerNode } from '../node/peer-node.ts';
import { ContentNames, type NamedContent } from './content-names.ts';
import { nodeAt, treeOf } from './content-tree.ts';
import { GatewayError, gatewayProblem } from './errors.ts';
import { type FileAnswerOptions, FileAnswers } from './file-answer.ts';
import { KnownTorrents } from './known-torrents.ts';
import { folderListing, type Listing, namesListing } from './listing/listing.ts';
import { render } from './listing/render.ts';
import { Reach } from './reach.ts';
import { cacheHeaders } from './representation.ts';
import type { Exchange, HttpRoute } from './server/http-route.ts';

export interface ContentGatewayDependencies
  extends Pick<PeerNode, 'torrents' | 'catalogue' | 'cluster' | 'entries' | 'replicator'> {
  readonly timers: Timers;
  readonly wallClock: Clock;
}

const DEFAULTS: FileAnswerOptions = { patience: 30_000, idle: 60_000, memory: 64 * 2 ** 20 };

/** Gives what the catalogue names over HTTP: `/v1/content/NAME[@VERSION]/PATH`, while it comes too. */
export class ContentGateway implements HttpRoute {
  readonly methods = ['GET', 'HEAD'];
  readonly prefix = ['v1', 'content'];
  readonly problemOf = gatewayProblem;
  readonly #names: ContentNames;
  readonly #known: KnownTorrents;
  readonly #files: FileAnswers;

  constructor(dependencies: ContentGatewayDependencies, options: Partial<FileAnswerOptions> = {}) {
    const { catalogue, entries, torrents, wallClock } = dependencies;
    this.#names = new ContentNames(catalogue, () => entries.live());
    this.#known = new KnownTorrents(torrents, catalogue);
    this.#files = new FileAnswers(new Reach(dependencies), wallClock, { ...DEFAULTS, ...options });
  }

  async handle(exchange: Exchange): Promise<void> {
    const { segments, folder } = exchange.target;
    const path = segments.slice(this.prefix.length);
    const named = this.#names.find(path);
    if (named === undefined) this.#listNames(exchange, path);
    else if (formatOf(exchange) === 'torrent') await this.#giveTorrent(exchange, named);
    else if (folder) await this.#listFolder(exchange, named);
    else await this.#give(exchange, named);
  }

  async #give(exchange: Exchange, named: NamedContent): Promise<void> {
    const known = await this.#known.of(named.entry);
    const node = nodeAt(known.metainfo, named.path);
    if (node === undefined) throw nothingOf(named);
    if (node.type === 'folder') redirectToFolder(exchange);
    else await this.#files.give(exchange, named, known, node);
  }

  /** For clients that are no nodes: they join the swarm by it. */
  async #giveTorrent({ request, response }: Exchange, named: NamedContent): Promise<void> {
    if (named.path.length > 0) throw new GatewayError('unknown', 'a torrent is of all of a content');
    const { torrent } = await this.#known.of(named.entry);
    const { name, version } = named.entry;
    response.writeHead(200, {
      ...cacheHeaders(named.fixed),
      'content-type': 'application/x-bittorrent',
      'content-length': torrent.length,
      // A catalogue's names have no character that would need quoting.
      'content-disposition': `attachment; filename="${name.replaceAll('/', '+')}@${version}.torrent"`,
    });
    response.end(request.method === 'HEAD' ? undefined : torrent);
  }

  async #listFolder(exchange: Exchange, named: NamedContent): Promise<void> {
    const { metainfo } = await this.#known.of(named.entry);
    const { entry, path, fixed } = named;
    const node = path.length === 0 ? treeOf(metainfo) : nodeAt(metainfo, path);
    if (node?.type !== 'folder') throw nothingOf(named);
    list(exchange, folderListing(entry, path, node, afterOf(exchange)), fixed);
  }

  /** The names that begin with a path, as if it were a folder. */
  #listNames(exchange: Exchange, path: readonly string[]): void {
    const prefix = path.map((part) => `${part}/`).join('');
    const listing = namesListing(this.#names.newest(), prefix, afterOf(exchange));
    if (path.length > 0 && listing.items.length === 0) {
      throw this.#names.current
        ? new GatewayError('unknown', 'there is no content of that name and version')
        : new GatewayError('unavailable', 'the tracker service has not told what there is');
    }
    if (exchange.target.folder) list(exchange, listing, false);
    else redirectToFolder(exchange);
  }
}

function nothingOf({ entry, path }: NamedContent): GatewayError {
  return new GatewayError('unknown', `${entry.name}@${entry.version} has nothing at ${path.join('/')}`);
}

function list({ request, response, target }: Exchange, listing: Listing, fixed: boolean): void {
  const { headers, body } = render(listing, request.headers.accept, formatOf({ target }));
  response.writeHead(200, { ...headers, ...cacheHeaders(fixed) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function redirectToFolder({ response, target }: Exchange): void {
  const location = `${target.path}/${target.query}`;
  response.writeHead(308, { location, 'content-length': 0 }).end();
}

function formatOf({ target }: Pick<Exchange, 'target'>): string | null {
  return new URLSearchParams(target.query).get('format');
}

function afterOf({ target }: Exchange): string {
  return new URLSearchParams(target.query).get('after') ?? '';
}
