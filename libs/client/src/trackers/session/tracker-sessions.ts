import { DEFAULT_INTERVAL, TrackerError } from '@pixtorrent/tracker-protocol';
import type { Announce } from '../announce.ts';
import { parseSessionUrl } from './session-target.ts';
import { type NodeLabels, type SessionDependencies, TrackerSession } from './tracker-session.ts';

/** The sessions of a client: one stream a tracker, whatever the number of torrents. */
export class TrackerSessions {
  readonly #deps: SessionDependencies;
  readonly #labels: NodeLabels;
  readonly #open = new Map<string, Set<TrackerSession>>();

  constructor(deps: SessionDependencies, labels: NodeLabels) {
    this.#deps = deps;
    this.#labels = labels;
  }

  /** Announces over the stream that the tracker has, or opens one. `stopped` is said only where something was said. */
  readonly announce: Announce = async (url, request, options) => {
    if (options.signal.aborted) throw new TrackerError('cancelled', 'the question was taken back');
    const open = [...(this.#open.get(url) ?? [])];
    const own = open.find((session) => session.has(request));
    if (request.event === 'stopped' && own === undefined) return { interval: DEFAULT_INTERVAL, peers: [] };
    // A second peer of the same swarm, such as a download while its magnet link is resolved, has a stream of its own.
    const session = own ?? open.find((other) => other.hasRoomFor(request)) ?? this.#begin(url);
    return session.announce(request, options);
  };

  /** Ends those that are left, without a farewell. */
  close(): void {
    for (const session of [...this.#open.values()].flatMap((sessions) => [...sessions])) session.destroy();
  }

  #begin(url: string): TrackerSession {
    const target = parseSessionUrl(url);
    const session = new TrackerSession(this.#deps, target, this.#labels, () => {
      const sessions = this.#open.get(url);
      sessions?.delete(session);
      if (sessions?.size === 0) this.#open.delete(url);
    });
    const sessions = this.#open.get(url) ?? new Set();
    this.#open.set(url, sessions.add(session));
    return session;
  }
}
