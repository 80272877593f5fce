import { ChannelCredentials, type ClientOptions, type ServiceError, status } from '@grpc/grpc-js';
import { tracker } from '@pixtorrent/contracts';
import { printable } from '@pixtorrent/core';
import { TrackerError, type TrackerErrorCode } from '@pixtorrent/tracker-protocol';
import type { OpenStream, TrackerCertificates, TrackerIdentity } from './session-stream.ts';

const OPTIONS: ClientOptions = {
  'grpc.primary_user_agent': 'PixTorrent',
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  'grpc.max_send_message_length': 64 * 1024,
  // A line that is dead, or a tracker that hangs, is noticed within 40 s even where nothing is to be said.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 0,
  // Each stream has a connection of its own, and so its own replica, however many clients a process has.
  'grpc.use_local_subchannel_pool': 1,
  // Of the addresses of a name each client takes another, so that replicas share the load.
  'grpc.service_config': JSON.stringify({
    loadBalancingConfig: [{ pick_first: { shuffleAddressList: true } }],
  }),
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_retries': 0,
  // HTTP trackers are not asked through a proxy either.
  'grpc.enable_http_proxy': 0,
};

/** Sessions over gRPC (proto/pixtorrent/tracker/v1). */
export function grpcStreams(tls?: TrackerIdentity): OpenStream {
  return ({ host, port, secure }, receiver) => {
    const credentials = secure ? secured(tls?.certificates()) : ChannelCredentials.createInsecure();
    const client = new tracker.TrackerServiceClient(`dns:${host}:${port}`, credentials, OPTIONS);
    const call = client.session();
    const { promise: over, resolve } = Promise.withResolvers<void>();
    let finished = false;
    const finish = (error: TrackerError) => {
      if (finished) return;
      finished = true;
      client.close();
      resolve();
      receiver.ended(error);
    };
    call.on('data', (message: tracker.SessionResponse) => receiver.message(message));
    call.on('error', (error: ServiceError) => finish(asTrackerError(error)));
    call.on('end', () => finish(new TrackerError('unreachable', 'the tracker has ended the session')));
    return {
      get unsent() {
        return call.writableLength;
      },
      send: (message) => new Promise((taken) => call.write(message, () => taken())),
      pause: () => void call.pause(),
      resume: () => void call.resume(),
      end: () => {
        call.end();
        // The end is noticed only by who reads.
        call.resume();
        return over;
      },
      destroy: () => call.cancel(),
    };
  };
}

const CODES: Partial<Record<status, TrackerErrorCode>> = {
  [status.INVALID_ARGUMENT]: 'refused',
  [status.NOT_FOUND]: 'refused',
  [status.PERMISSION_DENIED]: 'refused',
  [status.UNAUTHENTICATED]: 'refused',
  [status.FAILED_PRECONDITION]: 'refused',
  [status.RESOURCE_EXHAUSTED]: 'refused',
  [status.UNIMPLEMENTED]: 'unsupported',
  [status.INTERNAL]: 'malformed',
  [status.DEADLINE_EXCEEDED]: 'timeout',
};

function asTrackerError(error: ServiceError): TrackerError {
  const code = /larger than max/.test(error.details) ? 'too-large' : (CODES[error.code] ?? 'unreachable');
  const message = printable(error.details) || (status[error.code] ?? 'the connection failed');
  return new TrackerError(code, message, { cause: error });
}

function secured({ ca, key, certificate }: TrackerCertificates = {}): ChannelCredentials {
  const bytes = (pem?: string): Buffer | null => (pem === undefined ? null : Buffer.from(pem));
  return ChannelCredentials.createSsl(bytes(ca), bytes(key), bytes(certificate));
}
