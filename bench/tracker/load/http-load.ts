/** Announces over HTTP: `node http-load.ts ORDER`, see `LoadOrder`. */
import { connect, type Socket } from 'node:net';
import { readOrder, Tally } from './report.ts';
import { addressOf, atRate, infoHashes, portOf, turns } from './swarms.ts';

const order = readOrder();
const tally = new Tally();
const hashes = infoHashes(order.swarms).map((hash) => hash.toString('hex').replace(/../g, '%$&'));
const HEADER_END = Buffer.from('\r\n\r\n');
const LENGTH = /content-length: *(\d+)/i;

/** One connection with one request on its way. */
class Announcer {
  readonly #index: number;
  readonly #next = turns(order);
  readonly #waiting: number[] = [];
  #socket: Socket;
  #due: number | undefined;
  #asking = false;
  #connected = false;
  #answer: Buffer = Buffer.alloc(0);
  finished = false;

  constructor(index: number) {
    this.#index = index;
    this.#socket = this.#connect();
  }

  /** Sends now, or as soon as what is on its way has been answered. */
  ask(due?: number): void {
    if (this.#asking || !this.#connected) {
      if (due !== undefined) this.#waiting.push(due);
      return;
    }
    const turn = this.#next();
    if (turn === undefined) {
      this.finished = true;
      finish();
      return;
    }
    this.#due = due;
    this.#asking = true;
    const port = portOf(turn.peer);
    const id = `-LD0001-${String(this.#index).padStart(4, '0')}${String(port).padStart(8, '0')}`;
    this.#socket.write(
      `GET /announce?info_hash=${hashes[turn.swarm]}&peer_id=${id}&port=${port}&uploaded=0&downloaded=0` +
        `&left=${(turn.peer + this.#index) % 4 === 0 ? 0 : 1048576}&compact=1&numwant=${order.numWant} HTTP/1.1\r\n` +
        `Host: ${order.host}:${order.port}\r\nUser-Agent: load/1\r\nAccept-Encoding: gzip\r\n\r\n`,
      'latin1',
    );
  }

  #connect(): Socket {
    const socket = connect({
      host: order.host,
      port: order.port,
      localAddress: addressOf(this.#index),
      noDelay: true,
    });
    socket.on('connect', () => {
      this.#connected = true;
      this.#goOn();
    });
    socket.on('data', (data) => this.#receive(data));
    socket.on('close', () => {
      this.#connected = false;
      if (tally.ended) return;
      if (order.closes && this.#answer.length > 0) this.#done(this.#answer);
      this.#answer = Buffer.alloc(0);
      this.#asking = false;
      this.#socket = this.#connect();
    });
    socket.on('error', (error) => {
      if (!order.closes) throw error;
    });
    return socket;
  }

  #receive(data: Buffer): void {
    const bytes = this.#answer.length === 0 ? data : Buffer.concat([this.#answer, data]);
    const head = bytes.indexOf(HEADER_END);
    const length = head < 0 ? undefined : LENGTH.exec(bytes.toString('latin1', 0, head))?.[1];
    if (order.closes || length === undefined || bytes.length < head + 4 + Number(length)) {
      this.#answer = bytes;
      return;
    }
    this.#answer = Buffer.alloc(0);
    this.#done(bytes);
    this.#goOn();
  }

  #done(answer: Buffer): void {
    this.#asking = false;
    tally.answered(this.#due, answer.includes('8:interval'));
  }

  #goOn(): void {
    if (order.rate === undefined) this.ask();
    else if (this.#waiting.length > 0) this.ask(this.#waiting.shift());
  }
}

const announcers = Array.from({ length: order.sockets }, (_, i) => new Announcer(i));

function finish(): void {
  if (announcers.every((announcer) => announcer.finished)) tally.end();
}

if (order.rate !== undefined) {
  let next = 0;
  atRate(order.rate, (due) => announcers[next++ % announcers.length]!.ask(due));
}
if (order.until !== 'everybody') setTimeout(() => tally.end(), order.until * 1000);
