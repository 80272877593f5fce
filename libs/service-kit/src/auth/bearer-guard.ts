import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { writeProblem } from '../http/problem.ts';
import type { BearerTokens } from './bearer-tokens.ts';
import type { Refusals } from './refusals.ts';

const REASONS = {
  missing: 'a bearer token is wanted here: authorization: Bearer TOKEN',
  wrong: 'the bearer token is not known here',
} as const;

/** Lets nobody do what is guarded without one of the tokens. */
export class BearerGuard {
  readonly #tokens: BearerTokens;
  readonly #refusals: Refusals;

  constructor(tokens: BearerTokens, refusals: Refusals) {
    this.#tokens = tokens;
    this.#refusals = refusals;
  }

  /**
   * For `GrpcServer`: refuses by UNAUTHENTICATED before a byte of the request is read.
   * @param guarded says of a method by its path, `/pixtorrent.peer.v1.PeerService/Drain`, whether it wants a token
   */
  interceptor(guarded: (path: string) => boolean): ServerInterceptor {
    return ({ path }, call) => {
      if (!guarded(path)) return new ServerInterceptingCall(call);
      const listener = new ServerListenerBuilder()
        .withOnReceiveMetadata((metadata, next) => {
          const verdict = this.#tokens.judge(metadata.get('authorization')[0]?.toString());
          if (verdict === 'accepted') {
            next(metadata);
            return;
          }
          this.#refusals.add('grpc', verdict, call.getPeer(), path);
          call.sendStatus({
            code: status.UNAUTHENTICATED,
            details: REASONS[verdict],
            metadata: new Metadata(),
          });
        })
        .build();
      return new ServerInterceptingCall(call, { start: (next) => next(listener) });
    };
  }

  /** For `node:http`. @returns whether the request may go on; otherwise it has been answered by 401 */
  admits(request: IncomingMessage, response: ServerResponse): boolean {
    const verdict = this.#tokens.judge(request.headers.authorization);
    if (verdict === 'accepted') return true;
    const what = `${request.method} ${request.url}`;
    this.#refusals.add('http', verdict, request.socket.remoteAddress ?? '', what);
    const error = verdict === 'wrong' ? ', error="invalid_token"' : '';
    writeProblem(response, {
      status: 401,
      detail: REASONS[verdict],
      headers: { 'www-authenticate': `Bearer realm="pixtorrent"${error}` },
    });
    return false;
  }
}
