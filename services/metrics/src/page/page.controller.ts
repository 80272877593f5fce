import type { ServerResponse } from 'node:http';
import {
  Controller,
  Get,
  Inject,
  NotFoundException,
  Param,
  Query,
  Res,
  ServiceUnavailableException,
  UseFilters,
} from '@nestjs/common';
import { ProblemFilter } from '../http/problem.filter.ts';
import { EventFeeds } from './event-feeds.ts';
import type { PageFile } from './page-files.ts';

export const PAGE_FILES = Symbol('PageFiles');

/** Nothing is loaded from elsewhere, nothing is framed, and no text from the network becomes code. */
const HEADERS = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
} as const;
/** Characters of the name of a swarm. */
const LONGEST_NAME = 1000;

/** The live page, and what it is told. */
@Controller()
@UseFilters(ProblemFilter)
export class PageController {
  readonly #files: ReadonlyMap<string, PageFile>;
  readonly #feeds: EventFeeds;

  constructor(
    @Inject(PAGE_FILES) files: ReadonlyMap<string, PageFile>,
    @Inject(EventFeeds) feeds: EventFeeds,
  ) {
    this.#files = files;
    this.#feeds = feeds;
  }

  @Get()
  index(@Res() response: ServerResponse): void {
    this.file('index.html', response);
  }

  @Get('page/:name')
  file(@Param('name') name: string, @Res() response: ServerResponse): void {
    const file = this.#files.get(name);
    if (file === undefined) throw new NotFoundException(`the page has no file ${name}`);
    response.writeHead(200, { ...HEADERS, 'content-type': file.type, 'content-length': file.bytes.length });
    response.end(file.bytes);
  }

  /** Server-sent events: `swarms`, or `swarm` of the one that is named, by NAME@VERSION or its info hash. */
  @Get('v1/events')
  events(@Query('swarm') swarm: unknown, @Res() response: ServerResponse): void {
    const isName = typeof swarm === 'string' && swarm !== '' && swarm.length <= LONGEST_NAME;
    if (swarm !== undefined && !isName) throw new NotFoundException('no node reports such a swarm');
    if (!this.#feeds.accept(response, isName ? swarm : undefined))
      throw new ServiceUnavailableException('too many pages are open here: try again later');
  }
}
