import type { Clock } from '@pixtorrent/core';
import { ContentSource } from './body/content-source.ts';
import { Outlet } from './body/outlet.ts';
import { SendMemory } from './body/send-memory.ts';
import { judge } from './conditions.ts';
import type { NamedContent } from './content-names.ts';
import type { TreeFile } from './content-tree.ts';
import { GatewayError, RangesError } from './errors.ts';
import type { KnownTorrent } from './known-torrents.ts';
import { parseRange } from './ranges/byte-ranges.ts';
import { rangedAnswer } from './ranges/ranged-answer.ts';
import type { Reach } from './reach.ts';
import { contentTypeOf, fileHeaders, validatorsOf } from './representation.ts';
import type { Exchange } from './server/http-route.ts';

export interface FileAnswerOptions {
  /** Milliseconds that a piece may take to come. */
  readonly patience: number;
  /** Milliseconds after which a reader who takes nothing is let go of. */
  readonly idle: number;
  /** Bytes of the memory that complete files are sent from while it is not short. */
  readonly memory: number;
}

/** Answers requests for files. */
export class FileAnswers {
  readonly #reach: Reach;
  readonly #clock: Clock;
  readonly #options: FileAnswerOptions;
  readonly #memory: SendMemory;

  constructor(reach: Reach, wallClock: Clock, options: FileAnswerOptions) {
    this.#reach = reach;
    this.#clock = wallClock;
    this.#options = options;
    this.#memory = new SendMemory(options.memory);
  }

  /** @throws GatewayError, ClientError, StorageError; the signal's reason */
  async give(
    { request, response, signal }: Exchange,
    { entry, fixed }: NamedContent,
    known: KnownTorrent,
    file: TreeFile,
  ): Promise<void> {
    const { length, path } = file.entry;
    const contentType = contentTypeOf(path.at(-1)!);
    const validators = validatorsOf(entry, file);
    const headers = fileHeaders(validators, contentType, fixed);
    const verdict = judge(request.headers, validators, this.#clock.now());
    if (verdict.type === 'changed')
      throw new GatewayError('changed', 'it is not what the request wants it to be');
    if (verdict.type === 'unchanged') {
      response.writeHead(304, headers).end();
      return;
    }
    const ranged = request.method === 'GET' && verdict.ranges;
    const wanted = parseRange(ranged ? request.headers.range : undefined, length);
    if (wanted.type === 'refused') throw new RangesError(wanted.reason, length);
    const answer = rangedAnswer(wanted.type === 'ranges' ? wanted.ranges : undefined, length, contentType);
    const all = { ...headers, ...answer.headers };
    if (request.method === 'HEAD' || length === 0) {
      response.writeHead(answer.status, all).end();
      return;
    }
    const { patience, idle } = this.#options;
    const reach = () => this.#reach.session(entry, known, { signal, patience });
    const source = await ContentSource.open(reach, file.index, this.#memory, { signal, patience });
    try {
      const chunks = answer.chunks((range) => source.read(range));
      await new Outlet(response, idle).send(answer.status, all, chunks);
    } finally {
      await source.close();
    }
  }
}
