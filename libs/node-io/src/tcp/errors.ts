import { PixError } from '@pixtorrent/core';

export type NetworkErrorCode =
  /** Another program listens on the port. */
  | 'address-in-use'
  /** The address is none of this machine's. */
  | 'address-unavailable'
  /** The port needs privileges that this process lacks. */
  | 'permission-denied'
  | 'listen-failed'
  /** No connection came about: refused, unreachable, or an unknown host. */
  | 'dial-failed'
  | 'timeout'
  /** The other side closed without a word: it does not speak the wire, or does not have the torrent. */
  | 'refused'
  /** The other side answered with something else than the handshake that was asked for. */
  | 'bad-handshake'
  /** No TLS came about: the other side speaks none, or one of the two was not certified. */
  | 'tls-failed'
  /** A key and certificates that do not fit each other. */
  | 'bad-certificates'
  | 'aborted';

/** A connection or a listener that could not be had. */
export class NetworkError extends PixError<NetworkErrorCode> {}

/** The error of `listen` in our own words. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): NetworkError {
  const place = `${host} port ${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new NetworkError('address-in-use', `${place} is in use by another program`, { cause: error });
    case 'EADDRNOTAVAIL':
      return new NetworkError('address-unavailable', `${host} is no address of this machine`, {
        cause: error,
      });
    case 'EACCES':
      return new NetworkError('permission-denied', `${place} needs more privileges`, { cause: error });
    default:
      return new NetworkError('listen-failed', `cannot listen on ${place}: ${error.code}`, { cause: error });
  }
}
