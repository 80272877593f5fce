import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parseIp } from '@pixtorrent/tracker-protocol';
import { type Binding, type Datagrams, RECEIVE_BUFFER, type Sender } from './datagrams.ts';

/** Packets one by one, as the runtime gives them: everywhere. */
export async function openSingle(binding: Binding): Promise<Datagrams> {
  const { address, family, port, receive, failed } = binding;
  const socket = socketOf(family);
  try {
    const listening = once(socket, 'listening');
    socket.bind({ address, port, exclusive: true });
    await listening;
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.setRecvBufferSize(RECEIVE_BUFFER);
  const datagrams = new SingleDatagrams(socket);
  socket.on('error', failed);
  socket.on('message', (packet, from) => {
    const bytes = addressOf(from);
    if (bytes !== undefined) receive(packet, new SingleSender(datagrams, bytes, from));
  });
  return datagrams;
}

export function socketOf(family: 4 | 6): Socket {
  return createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    ipv6Only: family === 6,
    // All that is ever looked up is an address already: the usual way would wait a turn for each packet.
    lookup: (name, _options, callback) => callback(null, name, family),
  });
}

/** @returns undefined for what is no address */
export function addressOf({ address }: RemoteInfo): Uint8Array | undefined {
  const zone = address.indexOf('%');
  return parseIp(zone < 0 ? address : address.slice(0, zone));
}

class SingleDatagrams implements Datagrams {
  readonly way = 'single';
  unsent = 0;
  readonly #socket: Socket;
  #closed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(packet: Uint8Array, port: number, host: string): void {
    if (!this.#closed) this.#socket.send(packet, port, host, this.#sent);
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
  }

  readonly #sent = (error: Error | null): void => {
    if (error !== null) this.unsent++;
  };
}

class SingleSender implements Sender {
  readonly address: Uint8Array;
  readonly port: number;
  readonly #datagrams: SingleDatagrams;
  readonly #host: string;

  constructor(datagrams: SingleDatagrams, address: Uint8Array, from: RemoteInfo) {
    this.#datagrams = datagrams;
    this.address = address;
    this.port = from.port;
    this.#host = from.address;
  }

  answer(packet: Uint8Array): void {
    this.#datagrams.send(packet, this.port, this.#host);
  }
}
