/** Announces over HTTP: `node http-load.ts ORDER`, see `LoadOrder`. */
import { connect, type Socket } from 'node:net';
import { readOrder, Tally } from './report.ts';
import { addressOf, atRate, infoHashes, portOf, type Turn, turns } from './swarms.ts';

const order = readOrder();
const tally = new Tally();
const hashes = infoHashes(order.swarms).map((hash) => hash.toString('hex').replace(/../g, '%$&'));
const HEADER_END = Buffer.from('\r\n\r\n');
const LENGTH = Buffer.from('Content-Length: ');
const ANY_LENGTH = /content-length: *(\d+)/i;
const INTERVAL = Buffer.from('8:interval');
/** Requests of one connection that are kept to be sent again: making one costs as much as sending it. */
const MOST_KEPT = 2000;

/** @param head where the header ends; -1 where it does not yet @returns undefined where it is not there */
function bodyLength(bytes: Buffer, head: number): number | undefined {
  const at = head < 0 ? -1 : bytes.indexOf(LENGTH);
  if (at < 0 || at > head) {
    const found = head < 0 ? undefined : ANY_LENGTH.exec(bytes.toString('latin1', 0, head))?.[1];
    return found === undefined ? undefined : Number(found);
  }
  let length = 0;
  for (let i = at + LENGTH.length; bytes[i]! >= 0x30 && bytes[i]! <= 0x39; i++)
    length = length * 10 + bytes[i]! - 0x30;
  return length;
}

/** One connection with one request on its way. */
class Announcer {
  readonly #index: number;
  readonly #next = turns(order);
  readonly #waiting: number[] = [];
  readonly #requests = new Map<number, Buffer>();
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
    this.#socket.write(this.#request(turn));
  }

  #request({ swarm, peer }: Turn): Buffer {
    const key = peer * order.swarms + swarm;
    const kept = this.#requests.get(key);
    if (kept !== undefined) return kept;
    const port = portOf(peer);
    const id = `-LD0001-${String(this.#index).padStart(4, '0')}${String(port).padStart(8, '0')}`;
    const request = Buffer.from(
      `GET /announce?info_hash=${hashes[swarm]}&peer_id=${id}&port=${port}&uploaded=0&downloaded=0` +
        `&left=${(peer + this.#index) % 4 === 0 ? 0 : 1048576}&compact=1&numwant=${order.numWant} HTTP/1.1\r\n` +
        `Host: ${order.host}:${order.port}\r\nUser-Agent: load/1\r\nAccept-Encoding: gzip\r\n\r\n`,
      'latin1',
    );
    if (this.#requests.size < MOST_KEPT) this.#requests.set(key, request);
    return request;
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
    const length = bodyLength(bytes, head);
    if (order.closes || length === undefined || bytes.length < head + 4 + length) {
      this.#answer = bytes;
      return;
    }
    this.#answer = Buffer.alloc(0);
    this.#done(bytes);
    this.#goOn();
  }

  #done(answer: Buffer): void {
    this.#asking = false;
    tally.answered(this.#due, answer.includes(INTERVAL));
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
