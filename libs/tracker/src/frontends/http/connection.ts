import type { Socket } from 'node:net';
import { parseIp } from '@pixtorrent/tracker-protocol';
import { type Persistence, textAnswer } from './answer.ts';
import { BadRequest, RequestReader } from './request-reader.ts';
import type { Responder } from './responder.ts';

/** What a connection shares with all others. */
export interface ConnectionShare {
  readonly responder: Responder;
  /** In lower case; empty for none. */
  readonly forwardedHeader: string;
  /** The time in milliseconds, as of the last look at the clock. */
  readonly now: number;
  /** Whether no connection is to stay open after what it has asked. */
  readonly closing: boolean;
  /** Has `flush` called when all answers are there that need not be waited for. */
  answered(connection: Connection): void;
  refused(): void;
}

export interface ConnectionTimes {
  /** Milliseconds for a request to arrive whole, and for an asker to take its answers. */
  readonly requestTimeout: number;
  /** Milliseconds without a request. */
  readonly idleTimeout: number;
}

/** Requests on one connection that are not answered yet; more are not read. */
const MAX_PIPELINED = 64;
/** Milliseconds for the other side to close, too: who is still sending reads our answer then, in place of a reset. */
const LINGER = 2000;
const NO_ADDRESS = new Uint8Array(4);

/**
 * - `waiting`: for a request
 * - `reading`: the rest of one
 * - `blocked`: the asker does not take its answers; nothing is read meanwhile
 * - `ended`: nothing more is answered
 */
type State = 'waiting' | 'reading' | 'blocked' | 'ended';

/** One connection: requests are answered in their order, those that come together with one write. */
export class Connection {
  readonly #socket: Socket;
  readonly #share: ConnectionShare;
  readonly #reader: RequestReader;
  readonly #address: Uint8Array;
  /** One place for each request that has no answer sent; undefined while there is none. */
  readonly #answers: (Buffer | undefined)[] = [];
  /** How many were sent: the number of the first of those in `#answers`. */
  #sent = 0;
  /** Whether the last request has been read: what comes after it is thrown away. */
  #last = false;
  /** Whether the asker sends nothing more. */
  #silent = false;
  /** Whether requests that are here were not read yet, for being too many. */
  #held = false;
  #reading = false;
  #state: State = 'waiting';
  #since: number;

  constructor(socket: Socket, share: ConnectionShare) {
    this.#socket = socket;
    this.#share = share;
    this.#reader = new RequestReader(share.forwardedHeader);
    // A link-local address comes with its zone, which means nothing to other peers.
    this.#address = parseIp((socket.remoteAddress ?? '').replace(/%.*$/, '')) ?? NO_ADDRESS;
    this.#since = share.now;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#noMore());
    socket.on('error', () => socket.destroy());
  }

  /** Sends the answers that are there, as far as none before them is missing. */
  flush(): void {
    let count = 0;
    while (count < this.#answers.length && this.#answers[count] !== undefined) count++;
    if (count === 0 || this.#state === 'ended') return;
    this.#sent += count;
    const ready =
      count === 1 ? this.#answers.shift()! : Buffer.concat(this.#answers.splice(0, count) as Buffer[]);
    const taken = this.#socket.write(ready);
    if (!taken) this.#enter('blocked');
    else if (this.#held && this.#answers.length === 0) this.#goOn();
    this.#endWhenDone();
  }

  /** Answers what has been asked, and closes. */
  close(): void {
    if (this.#state !== 'reading') this.#last = true;
    this.#endWhenDone();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends what takes too long. */
  check(now: number, { requestTimeout, idleTimeout }: ConnectionTimes): void {
    const waited = now - this.#since;
    switch (this.#state) {
      case 'waiting':
        if (waited >= idleTimeout && this.#answers.length === 0) this.#end();
        break;
      case 'reading':
        if (waited >= requestTimeout) this.#refuse(408, 'the request took too long');
        break;
      case 'blocked':
        if (waited >= requestTimeout) this.#socket.destroy();
        break;
      case 'ended':
        if (waited >= LINGER) this.#socket.destroy();
        break;
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#last || this.#state === 'ended') return;
    this.#reader.push(chunk);
    this.#read();
  }

  /** Answers that need not be waited for leave when all requests that are there have been read. */
  #read(): void {
    this.#reading = true;
    this.#serveAll();
    this.#reading = false;
    if (this.#answers[0] !== undefined) this.flush();
  }

  #serveAll(): void {
    const reader = this.#reader;
    try {
      while (!this.#last) {
        this.#held = this.#answers.length >= MAX_PIPELINED;
        if (this.#held) {
          this.#socket.pause();
          return;
        }
        if (!reader.next()) break;
        this.#serve();
      }
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      this.#refuse(error.status, error.message);
      return;
    }
    if (this.#state === 'ended' || this.#state === 'blocked') return;
    // The time of a request counts from its first byte, however slowly the others come.
    if (!reader.partial || this.#last) this.#enter('waiting');
    else if (this.#state !== 'reading') this.#enter('reading');
  }

  #serve(): void {
    const reader = this.#reader;
    if (this.#share.closing) reader.keepAlive = false;
    this.#last = !reader.keepAlive;
    const persistence: Persistence = this.#last ? 'closed' : reader.old ? 'open-said' : 'open';
    const number = this.#sent + this.#answers.push(undefined) - 1;
    const answer = this.#share.responder.respond(reader, this.#address, persistence);
    if (Buffer.isBuffer(answer)) this.#answered(number, answer);
    else void answer.then((bytes) => this.#answered(number, bytes));
    // The next request's time begins with what is left of these bytes.
    this.#state = 'waiting';
  }

  #answered(number: number, answer: Buffer): void {
    this.#answers[number - this.#sent] = answer;
    if (number === this.#sent && !this.#reading) this.#share.answered(this);
  }

  /** Says why nothing more is read. */
  #refuse(status: number, reason: string): void {
    this.#share.refused();
    this.#last = true;
    this.#enter('waiting');
    this.#answered(this.#sent + this.#answers.push(undefined) - 1, textAnswer(status, reason, 'closed'));
  }

  /** Its answers still go out. */
  #noMore(): void {
    this.#silent = true;
    this.#endWhenDone();
  }

  /** blocked -> waiting */
  #drained(): void {
    if (this.#state !== 'blocked') return;
    this.#enter('waiting');
    this.#goOn();
    this.#endWhenDone();
  }

  /** Reads what was left when there was too much of it. */
  #goOn(): void {
    this.#socket.resume();
    this.#read();
  }

  #enter(state: State): void {
    this.#state = state;
    this.#since = this.#share.now;
    if (state === 'blocked') this.#socket.pause();
  }

  /** -> ended, where nothing is left to be answered */
  #endWhenDone(): void {
    const done = this.#last || (this.#silent && !this.#held);
    if (done && this.#answers.length === 0) this.#end();
  }

  /** -> ended */
  #end(): void {
    if (this.#state === 'ended') return;
    this.#enter('ended');
    this.#socket.end();
    this.#socket.resume();
  }
}
