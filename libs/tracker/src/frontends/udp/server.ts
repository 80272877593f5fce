import { isPixTorrent, type Logger } from '@pixtorrent/core';
import {
  encodeUdpAnnounceAnswer,
  encodeUdpConnectAnswer,
  encodeUdpError,
  encodeUdpScrapeAnswer,
  IPV4_LENGTH,
  IPV6_LENGTH,
  parseIp,
  parseUdpRequest,
  type UdpRequest,
} from '@pixtorrent/tracker-protocol';
import { PeerStoreError, RefusedError } from '../../errors.ts';
import { keyInUrl } from '../announce-path.ts';
import { Networks } from '../networks.ts';
import type { Asking, TrackerLogic } from '../tracker-logic.ts';
import { ConnectionIds } from './connection-ids.ts';
import type { Datagrams, OpenDatagrams, Sender } from './datagrams.ts';
import { fastestDatagrams, openSockets } from './sockets.ts';

export interface UdpFrontendOptions {
  /**
   * Address to listen on.
   * @default every address of both families
   */
  readonly host?: string;
  /** 0 picks one, the same for both families. */
  readonly port: number;
  /**
   * Networks, `ADDRESS/BITS`, whose announces may say where the peer is.
   * @default none
   */
  readonly trustedProxies?: readonly string[];
}

/**
 * Why a packet got no answer, or an error that has nothing to do with its torrent.
 * - `malformed`: it is no request
 * - `connection`: its connection ID is too old, or was not given to that address
 * - `busy`: too many are waiting for the store
 */
export type PacketRefusal = 'malformed' | 'connection' | 'busy';

type Announce = Extract<UdpRequest, { type: 'announce' }>;

/** Questions that wait for the store at the same time. */
const MAX_WAITING = 10_000;
/** Milliseconds for answers that are on their way when the frontend is closed. */
const CLOSE_GRACE = 2000;

/** Announce and scrape over UDP (BEP 15, BEP 41). Nothing larger than a request is sent to an unproven address. */
export class UdpFrontend {
  /** How many packets were refused. */
  readonly refused: Record<PacketRefusal, number> = { malformed: 0, connection: 0, busy: 0 };
  readonly #logic: TrackerLogic;
  readonly #logger: Logger;
  readonly #trusted: Networks;
  readonly #ids = new ConnectionIds();
  #sockets: readonly Datagrams[] = [];
  #waiting = 0;
  #closing: (() => void) | undefined;

  private constructor(logic: TrackerLogic, logger: Logger, options: UdpFrontendOptions) {
    this.#logic = logic;
    this.#logger = logger;
    this.#trusted = new Networks(options.trustedProxies ?? []);
  }

  /**
   * @param open how packets are taken and given; the fastest way that there is where it is missing
   * @throws the system's error where it cannot listen, `EADDRINUSE` for one
   */
  static async listen(
    logic: TrackerLogic,
    logger: Logger,
    options: UdpFrontendOptions,
    open?: OpenDatagrams,
  ): Promise<UdpFrontend> {
    const frontend = new UdpFrontend(logic, logger, options);
    frontend.#sockets = await openSockets(open ?? (await fastestDatagrams()), options.host, options.port, {
      receive: (packet, from) => frontend.#receive(packet, from),
      failed: (error) => logger.error('udp frontend', { reason: error.message }),
    });
    logger.info('udp frontend listens', { packets: frontend.way });
    return frontend;
  }

  get port(): number {
    return this.#sockets[0]!.port;
  }

  /** How packets go in and out; undefined once it is closed. */
  get way(): Datagrams['way'] | undefined {
    return this.#sockets[0]?.way;
  }

  /** Answers that the system did not take, for having no room or no way. */
  get unsent(): number {
    let count = 0;
    for (const socket of this.#sockets) count += socket.unsent;
    return count;
  }

  /** Takes nothing more in; fulfilled when all that was asked is answered. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closing = resolve;
    const timer = setTimeout(resolve, CLOSE_GRACE);
    if (this.#waiting === 0) resolve();
    await promise;
    clearTimeout(timer);
    for (const socket of this.#sockets) socket.close();
    this.#sockets = [];
  }

  #receive(packet: Buffer, from: Sender): void {
    if (this.#closing !== undefined || from.port === 0) return;
    const { address } = from;
    const request = parseUdpRequest(packet);
    if (request === undefined) {
      this.refused.malformed++;
      return;
    }
    const now = performance.now();
    if (request.type === 'connect') {
      from.answer(encodeUdpConnectAnswer(request.transaction, this.#ids.of(address, now)));
    } else if (!this.#ids.accepts(packet, address, now)) {
      this.refused.connection++;
      // Shorter than any announce and any scrape.
      from.answer(encodeUdpError(request.transaction, 'connect again'));
    } else if (this.#waiting >= MAX_WAITING) {
      this.refused.busy++;
    } else {
      const answer = this.#answer(request, address);
      if (answer instanceof Promise) this.#wait(answer, from);
      else from.answer(answer);
    }
  }

  /** @param answer never fails */
  #wait(answer: Promise<Uint8Array>, from: Sender): void {
    this.#waiting++;
    void answer.then((packet) => {
      this.#waiting--;
      from.answer(packet);
      if (this.#waiting === 0) this.#closing?.();
    });
  }

  #answer(
    request: Exclude<UdpRequest, { type: 'connect' }>,
    address: Uint8Array,
  ): Uint8Array | Promise<Uint8Array> {
    const { transaction } = request;
    const refuse = (error: unknown) => encodeUdpError(transaction, this.#reasonOf(error));
    try {
      if (request.type === 'scrape')
        return this.#logic
          .scrape(request.infoHashes, { frontend: 'udp', address })
          .then((entries) => encodeUdpScrapeAnswer(transaction, entries))
          .catch(refuse);
      const answer = this.#logic.announce(request.request, this.#asking(request, address));
      const length = address.length === IPV4_LENGTH ? IPV4_LENGTH : IPV6_LENGTH;
      if (!(answer instanceof Promise)) return encodeUdpAnnounceAnswer(transaction, answer, length);
      return answer.then((found) => encodeUdpAnnounceAnswer(transaction, found, length)).catch(refuse);
    } catch (error) {
      return refuse(error);
    }
  }

  #asking({ request, urlData }: Announce, address: Uint8Array): Asking {
    const named = request.ip !== undefined && this.#trusted.has(address) ? parseIp(request.ip) : undefined;
    return {
      frontend: 'udp',
      address: named ?? address,
      families: 'own',
      details: false,
      announceKey: urlData === undefined ? '' : keyInUrl(urlData),
      pixwire: isPixTorrent(request.peerId),
    };
  }

  #reasonOf(error: unknown): string {
    if (error instanceof RefusedError || error instanceof PeerStoreError) return error.message;
    this.#logger.error('request failed', { reason: String(error) });
    return 'the tracker has a fault';
  }
}
