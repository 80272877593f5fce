import type { InfoHash } from '@pixtorrent/core';
import type { AnnounceRequest, AnnounceResponse, ScrapeEntry } from './announce.ts';
import { TrackerError } from './errors.ts';
import { encodeUdpAnnounce, encodeUdpConnect, encodeUdpScrape, parseUdpAnswer } from './udp-client.ts';
import type { ConnectionId } from './udp-packets.ts';

/** Milliseconds for which a client may use a connection ID (BEP 15). */
export const UDP_CONNECTION_LIFETIME = 60_000;

export interface UdpExchangeOptions {
  /** Of the peers in an answer: 4 where the tracker is asked over IPv4, 16 over IPv6. */
  readonly addressLength: 4 | 16;
  /** A new transaction: 32 bits that nobody can guess. */
  readonly newTransaction: () => number;
  /**
   * Milliseconds until the first repetition; each further one waits twice as long.
   * @default 15,000
   */
  readonly baseTimeout?: number;
  /**
   * Repetitions, after which the tracker is given up.
   * @default 8
   */
  readonly maxRepeats?: number;
}

/** What is asked over UDP. */
export type UdpQuestion =
  | {
      readonly type: 'announce';
      readonly request: AnnounceRequest;
      /** As in `encodeUdpAnnounce`. */
      readonly urlData?: string;
    }
  | { readonly type: 'scrape'; readonly infoHashes: readonly InfoHash[] };

/** What the owner of an exchange has to do: send a packet, or take the end. */
export type UdpStep =
  | { readonly type: 'send'; readonly packet: Uint8Array }
  | { readonly type: 'announced'; readonly response: AnnounceResponse }
  | { readonly type: 'scraped'; readonly entries: readonly ScrapeEntry[] }
  | { readonly type: 'failed'; readonly error: TrackerError };

type OpenState =
  | { readonly type: 'connecting'; readonly transaction: number }
  | {
      readonly type: 'asking';
      readonly transaction: number;
      readonly connection: ConnectionId;
      /** When the connection ID came. */
      readonly since: number;
    };
type State = OpenState | { readonly type: 'ended' };

/**
 * One question to a UDP tracker: connecting, asking, and the repetitions of both after 15 · 2ⁿ seconds (BEP 15).
 * It owns no socket and no clock: every call takes the time, milliseconds on any monotonic scale.
 */
export class UdpExchange {
  readonly #question: UdpQuestion;
  readonly #options: UdpExchangeOptions;
  readonly #maxRepeats: number;
  readonly #baseTimeout: number;
  #state: State = { type: 'ended' };
  #repeats = 0;
  #due = Number.POSITIVE_INFINITY;

  constructor(question: UdpQuestion, options: UdpExchangeOptions) {
    this.#question = question;
    this.#options = options;
    this.#maxRepeats = options.maxRepeats ?? 8;
    this.#baseTimeout = options.baseTimeout ?? 15_000;
  }

  /** When `handleTimeout` is to be called; infinite once it has ended. */
  get nextTimeout(): number {
    return this.#due;
  }

  /** ended -> connecting */
  start(now: number): UdpStep {
    return this.#send({ type: 'connecting', transaction: this.#options.newTransaction() }, now);
  }

  /**
   * Takes a packet that came from the tracker's address.
   * @returns undefined for what does not belong to this exchange: it is as if it had not come
   */
  receive(packet: Uint8Array, now: number): UdpStep | undefined {
    const state = this.#state;
    if (state.type === 'ended') return undefined;
    const answer = parseUdpAnswer(packet, this.#options.addressLength);
    if (answer === undefined || answer.transaction !== state.transaction) return undefined;
    if (answer.type === 'error') return this.#fail(answer.error);
    if (state.type === 'connecting') {
      return answer.type === 'connect' ? this.#connected(answer.connection, now) : undefined;
    }
    if (answer.type === 'announce' && this.#question.type === 'announce') {
      this.#end();
      return { type: 'announced', response: answer.response };
    }
    if (answer.type === 'scrape' && this.#question.type === 'scrape') {
      if (answer.entries.length !== this.#question.infoHashes.length)
        return this.#fail(new TrackerError('malformed', 'a scrape answer of the wrong length'));
      this.#end();
      return { type: 'scraped', entries: answer.entries };
    }
    return undefined;
  }

  /** To be called at `nextTimeout`: repeats what got no answer, with a new connection where the old one ran out. */
  handleTimeout(now: number): UdpStep | undefined {
    const state = this.#state;
    if (state.type === 'ended' || now < this.#due) return undefined;
    if (this.#repeats === this.#maxRepeats)
      return this.#fail(new TrackerError('timeout', `no answer after asking ${this.#repeats + 1} times`));
    this.#repeats++;
    if (state.type === 'asking' && now - state.since >= UDP_CONNECTION_LIFETIME) {
      return this.#send({ type: 'connecting', transaction: this.#options.newTransaction() }, now);
    }
    return this.#send(state, now);
  }

  /** connecting -> asking */
  #connected(connection: ConnectionId, now: number): UdpStep {
    this.#repeats = 0;
    const transaction = this.#options.newTransaction();
    return this.#send({ type: 'asking', transaction, connection, since: now }, now);
  }

  #send(state: OpenState, now: number): UdpStep {
    this.#state = state;
    this.#due = now + this.#baseTimeout * 2 ** this.#repeats;
    return { type: 'send', packet: this.#packet(state) };
  }

  #packet(state: OpenState): Uint8Array {
    if (state.type === 'connecting') return encodeUdpConnect(state.transaction);
    const { connection, transaction } = state;
    return this.#question.type === 'announce'
      ? encodeUdpAnnounce(connection, transaction, this.#question.request, this.#question.urlData)
      : encodeUdpScrape(connection, transaction, this.#question.infoHashes);
  }

  #fail(error: TrackerError): UdpStep {
    this.#end();
    return { type: 'failed', error };
  }

  #end(): void {
    this.#state = { type: 'ended' };
    this.#due = Number.POSITIVE_INFINITY;
  }
}
