import type { Endpoint, InfoHash, PeerId, Timer } from '@pixtorrent/core';
import { OutboundHandshake, type TorrentShape, type WireName } from '@pixtorrent/peer-protocol';
import { type DialSteps, DirectSocket } from './direct-socket.ts';
import { NetworkError } from './errors.ts';
import { type HandshakeFailure, HandshakePhase } from './handshake-phase.ts';
import { PeerConnection } from './peer-connection.ts';
import type { TransportContext } from './transport-context.ts';

export interface DialOptions {
  readonly infoHash: InfoHash;
  readonly peerId: PeerId;
  /** Undefined while the torrent's metadata is not known (BEP 9). */
  readonly shape: TorrentShape | undefined;
  /** The wire to try first; PixWire falls back to BEP 3 once. @default bep3 */
  readonly wire?: WireName | undefined;
  /** For the connection and the handshake of one attempt, ms. @default 10,000 */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** How far a dial has come. */
type DialStage = 'connecting' | 'securing' | 'handshake';

const DEFAULT_TIMEOUT = 10_000;

/**
 * Opens a connection to a peer, up to and with the handshakes.
 * @throws NetworkError
 */
export async function dial(
  context: TransportContext,
  endpoint: Endpoint,
  options: DialOptions,
): Promise<PeerConnection> {
  if (options.wire !== 'pixwire') return attempt(context, endpoint, options, 'bep3');
  try {
    return await attempt(context, endpoint, options, 'pixwire');
  } catch (error) {
    if (!(error instanceof NetworkError && error.code === 'refused')) throw error;
    return attempt(context, endpoint, options, 'bep3');
  }
}

function attempt(
  context: TransportContext,
  endpoint: Endpoint,
  options: DialOptions,
  wire: WireName,
): Promise<PeerConnection> {
  const { signal, infoHash, peerId, shape, timeout = DEFAULT_TIMEOUT } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new NetworkError('aborted', 'the dial was given up'));
      return;
    }
    let stage: DialStage = 'connecting';
    let timer: Timer | undefined;
    const settle = (): void => {
      timer?.cancel();
      signal?.removeEventListener('abort', abort);
    };
    const fail = (error: NetworkError): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const abort = (): void => fail(new NetworkError('aborted', 'the dial was given up'));
    const expire = (): void => {
      // A client that waits for encrypted handshakes takes PixWire's for the start of one, and stays silent.
      const silent = stage === 'handshake' && phase.exchange.received === 0;
      fail(new NetworkError(silent ? 'refused' : 'timeout', `no handshake within ${timeout} ms`));
    };
    const phase = new HandshakePhase(new OutboundHandshake(wire, infoHash, peerId, context.limits), context, {
      opened(handshake) {
        settle();
        resolve(new PeerConnection(socket, context, { handshake, shape, incoming: false }));
      },
      failed(failure) {
        settle();
        reject(failureError(failure, stage, phase.exchange.received, socket.failure));
      },
    });
    const tls = context.tls?.policy === 'require' ? context.tls : undefined;
    const steps: DialSteps = {
      connected() {
        stage = 'securing';
      },
      ready() {
        stage = 'handshake';
        phase.begin(socket);
      },
    };
    const socket = DirectSocket.dial(endpoint, phase, steps, tls);
    timer = context.timers.after(timeout, expire);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function failureError(
  failure: HandshakeFailure,
  stage: DialStage,
  received: number,
  cause = 'closed by the other side',
): NetworkError {
  if (failure !== 'closed') return new NetworkError('bad-handshake', failure.message);
  if (stage === 'connecting') return new NetworkError('dial-failed', 'no connection: refused or unreachable');
  if (stage === 'securing') return new NetworkError('tls-failed', `no TLS: ${cause}`);
  if (received > 0) return new NetworkError('bad-handshake', 'the connection ended within the handshake');
  return new NetworkError('refused', 'the other side closed without a word');
}
