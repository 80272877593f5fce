import { isPixTorrent, type Logger } from '@pixtorrent/core';
import {
  type AnnounceAnswer,
  type AnnounceQuery,
  encodeCompactAnswer,
  encodeDictionaryAnswer,
  encodeFailure,
  encodeScrapeAnswer,
  parseAnnounceQuery,
  parseIp,
  parseScrapeQuery,
  TrackerError,
} from '@pixtorrent/tracker-protocol';
import { PeerStoreError, RefusedError } from '../../errors.ts';
import type { Networks } from '../networks.ts';
import { originOf } from '../origin.ts';
import type { Asking, TrackerLogic } from '../tracker-logic.ts';
import { bencodeAnswer, HEADS, type Persistence, textAnswer, withoutBody } from './answer.ts';
import type { RequestReader } from './request-reader.ts';
import { readRoute } from './route.ts';

export interface ResponderDependencies {
  readonly logic: TrackerLogic;
  readonly logger: Logger;
  /** Whose word is taken about where a request comes from, and where a peer is. */
  readonly trusted: Networks;
}

/** Turns requests into answers. It never fails: what goes wrong is an answer too. */
export class Responder {
  readonly #logic: TrackerLogic;
  readonly #logger: Logger;
  readonly #trusted: Networks;

  constructor({ logic, logger, trusted }: ResponderDependencies) {
    this.#logic = logic;
    this.#logger = logger;
    this.#trusted = trusted;
  }

  /**
   * Answers the request that `reader` has found.
   * @param connection the address that it came in from
   */
  respond(reader: RequestReader, connection: Uint8Array, persistence: Persistence): Buffer | Promise<Buffer> {
    const { method } = reader;
    if (method === 'GET') return this.#answer(reader, connection, persistence);
    if (method !== 'HEAD') return textAnswer(405, 'only GET and HEAD are answered here', persistence);
    const answer = this.#answer(reader, connection, persistence);
    return Buffer.isBuffer(answer) ? withoutBody(answer) : answer.then(withoutBody);
  }

  #answer(reader: RequestReader, connection: Uint8Array, persistence: Persistence): Buffer | Promise<Buffer> {
    const { bytes, targetStart, targetEnd, forwarded } = reader;
    const { type, key, query } = readRoute(bytes, targetStart, targetEnd);
    try {
      switch (type) {
        case 'announce': {
          const announce = parseAnnounceQuery(bytes, query, targetEnd);
          const origin = originOf(connection, forwarded, this.#trusted);
          return this.#announce(announce, this.#asking(announce, origin, key), persistence);
        }
        case 'scrape': {
          const infoHashes = parseScrapeQuery(bytes, query, targetEnd);
          const address = originOf(connection, forwarded, this.#trusted);
          return this.#logic
            .scrape(infoHashes, { frontend: 'http', address, announceKey: key })
            .then((entries) => bencodeAnswer(encodeScrapeAnswer(infoHashes, entries), persistence))
            .catch((error: unknown) => this.#refuse(error, persistence));
        }
        case 'health':
          return textAnswer(200, 'ok', persistence);
        case 'unknown':
          return textAnswer(404, 'there are /announce, /scrape and /healthz', persistence);
      }
    } catch (error) {
      return this.#refuse(error, persistence);
    }
  }

  /** @throws what the tracker throws at once */
  #announce(query: AnnounceQuery, asking: Asking, persistence: Persistence): Buffer | Promise<Buffer> {
    const answer = this.#logic.announce(query, asking);
    if (!(answer instanceof Promise)) return encodeAnnounceAnswer(query, answer, persistence);
    return answer
      .then((found) => encodeAnnounceAnswer(query, found, persistence))
      .catch((error: unknown) => this.#refuse(error, persistence));
  }

  #asking(query: AnnounceQuery, origin: Uint8Array, announceKey: string): Asking {
    const named = query.ip !== undefined && this.#trusted.has(origin) ? parseIp(query.ip) : undefined;
    return {
      frontend: 'http',
      address: named ?? origin,
      families: 'both',
      details: !query.compact && !query.noPeerId,
      announceKey,
      pixwire: isPixTorrent(query.peerId),
    };
  }

  /** Says no in the way that clients show to their users: status 200 and a reason (BEP 3, BEP 31). */
  #refuse(error: unknown, persistence: Persistence): Buffer {
    if (error instanceof TrackerError) return bencodeAnswer(encodeFailure(error.message), persistence);
    if (error instanceof RefusedError) {
      const retryIn = error.retryAfter > 0 ? Math.ceil(error.retryAfter / 60) : 'never';
      return bencodeAnswer(encodeFailure(error.message, retryIn), persistence);
    }
    if (error instanceof PeerStoreError)
      return bencodeAnswer(encodeFailure(error.message, STORE_RETRY_MINUTES), persistence);
    this.#logger.error('request failed', { reason: String(error) });
    return textAnswer(500, 'the tracker has a fault', persistence);
  }
}

const STORE_RETRY_MINUTES = 1;

function encodeAnnounceAnswer(
  { compact }: AnnounceQuery,
  answer: AnnounceAnswer,
  persistence: Persistence,
): Buffer {
  return compact
    ? encodeCompactAnswer(answer, HEADS[persistence])
    : bencodeAnswer(encodeDictionaryAnswer(answer), persistence);
}
