import type { Clock, Timers } from '@pixtorrent/core';
import { announce } from '@pixtorrent/node-io';
import { type Announce, keepsSessions } from './announce.ts';
import type { TrackerIdentity } from './session/session-stream.ts';
import type { NodeLabels } from './session/tracker-session.ts';
import type { TrackerSessions } from './session/tracker-sessions.ts';

/** The trackers of a client, of every kind: questions over HTTP and UDP, sessions over gRPC. */
export class Trackers {
  readonly #deps: { readonly clock: Clock; readonly timers: Timers };
  readonly #options: NodeLabels & { readonly tls?: TrackerIdentity };
  #sessions: Promise<TrackerSessions> | undefined;

  constructor(
    deps: { readonly clock: Clock; readonly timers: Timers },
    options: NodeLabels & { readonly tls?: TrackerIdentity },
  ) {
    this.#deps = deps;
    this.#options = options;
  }

  readonly announce: Announce = async (url, request, options) => {
    if (!keepsSessions(url)) return announce(url, request, options);
    this.#sessions ??= this.#load();
    return (await this.#sessions).announce(url, request, options);
  };

  /** Ends the sessions that are left, when the torrents are closed. */
  async close(): Promise<void> {
    (await this.#sessions)?.close();
  }

  /** gRPC takes its time to load: who has no such tracker is spared it. */
  async #load(): Promise<TrackerSessions> {
    const [{ TrackerSessions }, { grpcStreams }] = await Promise.all([
      import('./session/tracker-sessions.ts'),
      import('./session/grpc-stream.ts'),
    ]);
    return new TrackerSessions({ ...this.#deps, open: grpcStreams(this.#options.tls) }, this.#options);
  }
}
