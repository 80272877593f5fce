import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';

/** Bytes that the system is asked to keep until they are read: bursts come faster than answers go. */
const RECEIVE_BUFFER = 4 * 2 ** 20;
/** How often a port that one family gave is tried with the other. */
const MAX_TRIES = 5;
/** A machine without IPv6 has every address all the same. */
const NO_IPV6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EPROTONOSUPPORT'];

export type Receive = (packet: Buffer, from: RemoteInfo, socket: Socket) => void;

/**
 * Binds to `host`, or to every address of both families where it is missing.
 * @throws the system's error, `EADDRINUSE` for one
 */
export async function openSockets(
  host: string | undefined,
  port: number,
  receive: Receive,
): Promise<Socket[]> {
  if (host !== undefined) {
    const { address, family } = await lookup(host);
    return [await openSocket(address, family === 6 ? 'udp6' : 'udp4', port, receive)];
  }
  for (let tries = 1; ; tries++) {
    const ipv4 = await openSocket('0.0.0.0', 'udp4', port, receive);
    try {
      return [ipv4, await openSocket('::', 'udp6', ipv4.address().port, receive)];
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (NO_IPV6.includes(code)) return [ipv4];
      ipv4.close();
      if (port !== 0 || code !== 'EADDRINUSE' || tries === MAX_TRIES) throw error;
    }
  }
}

function openSocket(address: string, type: 'udp4' | 'udp6', port: number, receive: Receive): Promise<Socket> {
  const socket = createSocket({
    type,
    ipv6Only: type === 'udp6',
    // All that is ever looked up is an address already: the usual way would wait a turn for each packet.
    lookup: (name, _options, callback) => callback(null, name, type === 'udp6' ? 6 : 4),
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      socket.setRecvBufferSize(RECEIVE_BUFFER);
      socket.on('message', (packet, from) => receive(packet, from, socket));
      resolve(socket);
    });
  });
}
