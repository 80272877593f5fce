/** Announces over UDP (BEP 15): `node udp-load.ts ORDER`, see `LoadOrder`. Nothing is made twice that can be made once. */
import { createSocket, type Socket } from 'node:dgram';
import { readOrder, Tally } from './report.ts';
import { addressOf, atRate, infoHashes, peersPerSocket, portOf, turns } from './swarms.ts';

const order = readOrder();
const tally = new Tally();
const hashes = infoHashes(order.swarms);
/** The end of a peer's ID and its port, as both stand in a packet. */
const ids = Array.from({ length: peersPerSocket(order) }, (_, peer) =>
  Buffer.from(String(portOf(peer)).padStart(8, '0'), 'latin1'),
);
/** Packets on their way on one socket. */
const WINDOW = 16;
/** Milliseconds after which a packet counts as lost. */
const LOST = 1000;
const CONNECT = 0;
const ANNOUNCE = 1;
/** Set where every announce has the same time to be due: as soon as may be. */
const NEVER_DUE = -1;

/** A packet that is used again when it is answered. */
interface Place {
  readonly packet: Buffer;
  due: number;
  /** When it was sent; 0 while it is free. */
  sent: number;
}

class Announcer {
  readonly #index: number;
  readonly #next = turns(order);
  readonly #socket: Socket;
  readonly #places: readonly Place[];
  readonly #free: number[] = [];
  #round = 0;
  #connected = false;
  finished = false;

  constructor(index: number) {
    this.#index = index;
    this.#places = Array.from({ length: WINDOW }, (_, place) => {
      const packet = Buffer.alloc(98);
      packet.writeUInt32BE(ANNOUNCE, 8);
      packet.write(`-LD0001-${String(index).padStart(4, '0')}`, 36, 'latin1');
      packet.writeInt32BE(order.numWant, 92);
      this.#free.push(place);
      return { packet, due: NEVER_DUE, sent: 0 };
    });
    this.#socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 }, (data) => this.#receive(data));
    this.#socket.bind(0, addressOf(index), () => {
      this.#socket.connect(order.port, order.host, () => this.#connect());
    });
    setInterval(() => this.#giveUpLost(), LOST / 4).unref();
    // A connection ID is good for a minute (BEP 15).
    setInterval(() => this.#connect(), 45_000).unref();
  }

  ask(due = NEVER_DUE): void {
    const place = this.#connected ? this.#free.pop() : undefined;
    if (place === undefined) {
      if (due !== NEVER_DUE) tally.answered(due, false);
      return;
    }
    const turn = this.#next();
    if (turn === undefined) {
      this.#free.push(place);
      this.#finishWhenDone();
      return;
    }
    const used = this.#places[place]!;
    const { packet } = used;
    used.due = due;
    used.sent = clock;
    this.#round = (this.#round + WINDOW) >>> 0;
    packet.writeUInt32BE(this.#round + place, 12);
    packet.set(hashes[turn.swarm]!, 16);
    packet.set(ids[turn.peer]!, 48);
    packet[69] = (turn.peer + this.#index) % 4 === 0 ? 0 : 16;
    packet.writeUInt16BE(portOf(turn.peer), 96);
    this.#socket.send(packet);
  }

  #connect(): void {
    const packet = Buffer.alloc(16);
    packet.writeBigUInt64BE(0x41727101980n);
    packet.writeUInt32BE(CONNECT, 8);
    this.#socket.send(packet);
  }

  #receive(data: Buffer): void {
    const action = data.readUInt32BE(0);
    if (action === CONNECT) {
      for (const { packet } of this.#places) data.copy(packet, 0, 8, 16);
      this.#connected = true;
    } else {
      const transaction = data.readUInt32BE(4);
      const place = transaction % WINDOW;
      const used = this.#places[place]!;
      if (used.sent === 0 || used.packet.readUInt32BE(12) !== transaction) return;
      this.#release(place, action === ANNOUNCE);
    }
    this.#fill();
  }

  #release(place: number, ok: boolean): void {
    const used = this.#places[place]!;
    used.sent = 0;
    this.#free.push(place);
    tally.answered(used.due === NEVER_DUE ? undefined : used.due, ok);
  }

  #giveUpLost(): void {
    if (!this.#connected) this.#connect();
    this.#places.forEach(({ sent }, place) => {
      if (sent !== 0 && sent < clock - LOST) this.#release(place, false);
    });
    this.#fill();
  }

  #fill(): void {
    if (order.rate !== undefined || !this.#connected) return;
    while (this.#free.length > 0 && !this.finished) {
      const before = this.#free.length;
      this.ask();
      if (this.#free.length === before) return;
    }
  }

  #finishWhenDone(): void {
    if (this.finished || this.#free.length < WINDOW) return;
    this.finished = true;
    if (announcers.every((announcer) => announcer.finished)) tally.end();
  }
}

/** Milliseconds, near enough to tell what is lost. */
let clock = performance.now();
setInterval(() => {
  clock = performance.now();
}, 20).unref();

const announcers = Array.from({ length: order.sockets }, (_, i) => new Announcer(i));

if (order.rate !== undefined) {
  let next = 0;
  atRate(order.rate, (due) => announcers[next++ % announcers.length]!.ask(due));
}
if (order.until !== 'everybody') setTimeout(() => tally.end(), order.until * 1000);
