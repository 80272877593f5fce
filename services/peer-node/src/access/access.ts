import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import type { Logger } from '@pixtorrent/core';
import {
  BearerGuard,
  BearerTokens,
  type Metrics,
  Refusals,
  systemClock,
  systemTimers,
  writeProblem,
} from '@pixtorrent/service-kit';
import type { PeerConfig } from '../config/peer-settings.ts';

const NO_TOKEN = 'this node lets nobody change anything: set PEER_TOKEN or PEER_TOKEN_FILE';

/** Who may change something on this node: whoever has a token of it. Without one, nobody. */
export class Access {
  readonly #tokens: BearerTokens | undefined;
  readonly #guard: BearerGuard | undefined;

  /** @throws ConfigError where the file of tokens cannot be used */
  constructor({ token, tokenFile }: PeerConfig, metrics: Metrics, logger: Logger) {
    if (token !== undefined) this.#tokens = BearerTokens.fromText(token);
    else if (tokenFile !== undefined)
      this.#tokens = BearerTokens.fromFile(
        { timers: systemTimers, logger, metrics },
        { name: 'tokens', path: tokenFile },
      );
    if (this.#tokens !== undefined)
      this.#guard = new BearerGuard(this.#tokens, new Refusals({ clock: systemClock, logger, metrics }));
  }

  /** For `GrpcServer`. @param guarded says of a method by its path whether it changes something */
  interceptor(guarded: (path: string) => boolean): ServerInterceptor {
    if (this.#guard !== undefined) return this.#guard.interceptor(guarded);
    return ({ path }, call) => {
      if (!guarded(path)) return new ServerInterceptingCall(call);
      const refuse = (): void =>
        call.sendStatus({ code: status.UNAUTHENTICATED, details: NO_TOKEN, metadata: new Metadata() });
      const listener = new ServerListenerBuilder().withOnReceiveMetadata(refuse).build();
      return new ServerInterceptingCall(call, { start: (next) => next(listener) });
    };
  }

  /** For `node:http`. @returns whether the request may go on; otherwise it has been answered */
  admits(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#guard !== undefined) return this.#guard.admits(request, response);
    writeProblem(response, { status: 403, detail: NO_TOKEN });
    return false;
  }

  /** Looks at the file no more. */
  close(): void {
    this.#tokens?.close();
  }
}
