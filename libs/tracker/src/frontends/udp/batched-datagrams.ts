import type { RemoteInfo, Socket } from 'node:dgram';
import { once } from 'node:events';
import { parseIp } from '@pixtorrent/tracker-protocol';
import {
  type Binding,
  type Datagrams,
  type OpenDatagrams,
  RECEIVE_BUFFER,
  type Sender,
} from './datagrams.ts';
import {
  AF_INET,
  AF_INET6,
  EAGAIN,
  EINTR,
  ENOBUFS,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  type Libc,
  MSG_DONTWAIT,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  systemError,
} from './libc.ts';
import { MessageTable, writeSocketAddress } from './message-table.ts';
import { addressOf, socketOf } from './single-datagrams.ts';

/** Packets that one call takes, or gives. */
const BATCH = 64;
/** Batches after which others have their turn, whoever else is served by this thread. */
const BATCHES_A_TURN = 8;
/** Bytes of a packet that came: the longest request is shorter. */
const RECEIVED = 2048;
/** Bytes of an answer: it fits one Ethernet frame. */
const SENT = 1500;

/**
 * Packets in batches, by `recvmmsg` and `sendmmsg`. The runtime's own socket, on the same descriptor, takes the first
 * packet, and so says that there are some: nothing else of it tells when to read. Whatever came after that one is taken
 * with one call, and answers that are ready together leave with one.
 */
export function openBatched(libc: Libc): OpenDatagrams {
  return async (binding) => {
    const fd = bind(libc, binding);
    const socket = socketOf(binding.family);
    try {
      const listening = once(socket, 'listening');
      socket.bind({ fd, exclusive: true });
      await listening;
    } catch (error) {
      socket.close();
      libc.close(fd);
      throw error;
    }
    socket.setRecvBufferSize(RECEIVE_BUFFER);
    socket.on('error', binding.failed);
    return new BatchedDatagrams(libc, fd, socket, binding);
  };
}

/** @returns the descriptor of a bound socket @throws the system's error */
function bind(libc: Libc, { address: text, family, port }: Binding): number {
  const fd = libc.socket(family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError(libc, 'socket');
  const [host = '', zone = ''] = text.split('%');
  const name = Buffer.alloc(32);
  const length = writeSocketAddress(
    name,
    0,
    parseIp(host)!,
    port,
    zone === '' ? 0 : libc.if_nametoindex(zone),
  );
  const only = Uint8Array.of(1, 0, 0, 0);
  const failed =
    family === 6 && libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, only, only.length) < 0
      ? 'setsockopt'
      : libc.bind(fd, name, length) < 0
        ? 'bind'
        : undefined;
  if (failed === undefined) return fd;
  const error = Object.assign(systemError(libc, failed), { address: text, port });
  libc.close(fd);
  throw error;
}

class BatchedDatagrams implements Datagrams {
  readonly way = 'batched';
  unsent = 0;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #socket: Socket;
  readonly #receive: Binding['receive'];
  readonly #received: MessageTable;
  readonly #answers: MessageTable;
  /** Answers that wait to be sent. */
  #ready = 0;
  /** Full batches since others had their turn. */
  #batches = 0;
  #closed = false;

  constructor(libc: Libc, fd: number, socket: Socket, { receive }: Binding) {
    this.#libc = libc;
    this.#fd = fd;
    this.#socket = socket;
    this.#receive = receive;
    this.#received = new MessageTable(libc, BATCH, RECEIVED);
    this.#answers = new MessageTable(libc, BATCH, SENT);
    socket.on('message', (packet, from) => this.#first(packet, from));
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(packet: Uint8Array, to: BatchedSender): void {
    if (this.#closed) return;
    if (packet.length > SENT) {
      this.unsent++;
      return;
    }
    this.#answers.fill(this.#ready++, packet, to.address, to.port, to.scope);
    if (this.#ready === BATCH) this.#flush();
    // After all that can go on without waiting has gone on: answers that come together leave together.
    else if (this.#ready === 1) queueMicrotask(this.#flushSoon);
  }

  close(): void {
    this.#flush();
    this.#closed = true;
    this.#socket.close();
  }

  #first(packet: Buffer, from: RemoteInfo): void {
    const address = addressOf(from);
    const zone = from.address.indexOf('%');
    const scope = zone < 0 ? 0 : this.#libc.if_nametoindex(from.address.slice(zone + 1));
    if (address !== undefined) this.#receive(packet, new BatchedSender(this, address, from.port, scope));
    if (this.#batches < BATCHES_A_TURN) this.#others();
  }

  #others(): void {
    const table = this.#received;
    const count = this.#libc.recvmmsg(this.#fd, table.from(0), BATCH, MSG_DONTWAIT, null);
    for (let place = 0; place < count; place++) {
      const sender = new BatchedSender(this, table.address(place), table.port(place), table.scope(place));
      this.#receive(table.packet(place), sender);
      table.clear(place);
    }
    // Where fewer were there, the runtime finds none, and goes on to others by itself.
    if (count === BATCH && this.#batches++ === 0) setImmediate(this.#nextTurn);
  }

  readonly #nextTurn = (): void => {
    this.#batches = 0;
  };

  readonly #flushSoon = (): void => {
    process.nextTick(this.#flush);
  };

  readonly #flush = (): void => {
    const ready = this.#ready;
    this.#ready = 0;
    if (this.#closed) return;
    for (let at = 0; at < ready; ) {
      const sent = this.#libc.sendmmsg(this.#fd, this.#answers.from(at), ready - at, MSG_DONTWAIT);
      if (sent > 0) at += sent;
      else {
        const errno = this.#libc.errno();
        if (errno === EINTR) continue;
        // Either there is no room for any more, or nothing goes to this one.
        const lost = errno === EAGAIN || errno === ENOBUFS ? ready - at : 1;
        this.unsent += lost;
        at += lost;
      }
    }
  };
}

class BatchedSender implements Sender {
  readonly address: Uint8Array;
  readonly port: number;
  /** As `MessageTable` has it. */
  readonly scope: number;
  readonly #datagrams: BatchedDatagrams;

  constructor(datagrams: BatchedDatagrams, address: Uint8Array, port: number, scope: number) {
    this.#datagrams = datagrams;
    this.address = address;
    this.port = port;
    this.scope = scope;
  }

  answer(packet: Uint8Array): void {
    this.#datagrams.send(packet, this);
  }
}
