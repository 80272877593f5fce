import { once } from 'node:events';
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { tracker } from '@pixtorrent/contracts';
import type { Scope } from './scope.ts';

type Stream = ServerDuplexStream<tracker.SessionRequest, tracker.SessionResponse>;

interface Member {
  readonly stream: Stream;
  readonly peer: tracker.Peer;
}

/** What a peer said, in the order of its coming. */
export type Said = { readonly stream: number } & (
  | { readonly type: 'announce'; readonly announce: tracker.AnnounceRequest }
  | { readonly type: 'update'; readonly update: tracker.SessionUpdate }
);

export interface SessionTrackerOptions {
  /** @default one that is free */
  readonly port?: number;
  /** Seconds between announces. @default 1,800: who is found sooner was pushed */
  readonly interval?: number;
}

/** A gRPC tracker in this process that keeps sessions and nothing else, and does what a test wants. */
export class SessionTracker {
  readonly port: number;
  readonly said: Said[] = [];
  readonly #server: Server;
  /** By stream: where it came from. */
  readonly #connections: string[] = [];
  readonly #open = new Set<Stream>();
  readonly #swarms = new Map<string, Set<Member>>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async listen(
    scope: Scope,
    { port = 0, interval = 1800 }: SessionTrackerOptions = {},
  ): Promise<SessionTracker> {
    const server = new Server();
    let serve = (stream: Stream): void => void stream.end();
    const unimplemented = () => {
      throw Object.assign(new Error('sessions only'), { code: status.UNIMPLEMENTED });
    };
    server.addService(tracker.TrackerServiceService, {
      announce: unimplemented,
      scrape: unimplemented,
      listSwarms: unimplemented,
      watchSwarms: unimplemented,
      session: (stream: Stream) => serve(stream),
    });
    const bound = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, got) =>
        error ? reject(error) : resolve(got),
      );
    });
    const own = new SessionTracker(server, bound);
    serve = (stream) => own.#serve(stream, interval);
    scope.defer(() => server.forceShutdown());
    return own;
  }

  get url(): string {
    return `grpc://127.0.0.1:${this.port}`;
  }

  /** Sessions that were ever opened, over how many connections, and those that are open. */
  get streams(): { readonly opened: number; readonly connections: number; readonly open: number } {
    const connections = new Set(this.#connections).size;
    return { opened: this.#connections.length, connections, open: this.#open.size };
  }

  /** What was said last of the peer that listens on a port. */
  heard(port: number): string[] {
    const announced = this.said.filter(
      ({ type, ...said }) => 'announce' in said && said.announce.port === port,
    );
    const streams = new Set(announced.map(({ stream }) => stream));
    return this.said
      .filter(({ stream }) => streams.has(stream))
      .map((said) => (said.type === 'announce' ? said.announce : said.update).event)
      .map((event) => ['-', 'started', 'completed', 'stopped'][event] ?? '?');
  }

  /** Tells everybody to go elsewhere. */
  goAway(reconnectAfterMs: number): void {
    for (const stream of this.#open) {
      stream.write({ message: { $case: 'goAway', goAway: { reconnectAfterMs } } });
    }
  }

  /** Is gone at once, as if its process had been killed. */
  kill(): void {
    this.#server.forceShutdown();
  }

  #serve(stream: Stream, interval: number): void {
    const number = this.#connections.push(stream.getPeer()) - 1;
    this.#open.add(stream);
    stream.on('data', ({ message }: tracker.SessionRequest) => {
      if (message?.$case === 'announce') {
        this.said.push({ stream: number, type: 'announce', announce: message.announce });
        this.#join(stream, message.announce, interval);
      } else if (message?.$case === 'update') {
        this.said.push({ stream: number, type: 'update', update: message.update });
        this.#update(stream, message.update, interval);
      }
    });
    const over = () => {
      this.#open.delete(stream);
      for (const members of this.#swarms.values())
        for (const member of members) if (member.stream === stream) members.delete(member);
    };
    stream.on('error', over);
    stream.on('cancelled', over);
    void once(stream, 'end').then(
      () => {
        over();
        stream.end();
      },
      () => {},
    );
  }

  #join(stream: Stream, announce: tracker.AnnounceRequest, interval: number): void {
    const key = announce.infoHash.toString('hex');
    const members = this.#swarms.get(key) ?? new Set();
    this.#swarms.set(key, members);
    const { port, peerId, pixwire, left, infoHash } = announce;
    const peer = { address: Buffer.from([127, 0, 0, 1]), port, peerId, pixwire, seeder: left === 0 };
    for (const member of members) {
      if (member.peer.peerId.equals(peerId)) members.delete(member);
      else
        member.stream.write({ message: { $case: 'change', change: { infoHash, joined: [peer], left: [] } } });
    }
    this.#answer(
      stream,
      infoHash,
      [...members].map((member) => member.peer),
      interval,
    );
    members.add({ stream, peer });
  }

  #update(stream: Stream, { infoHash, event, numWant }: tracker.SessionUpdate, interval: number): void {
    const members = this.#swarms.get(infoHash.toString('hex')) ?? new Set();
    if (event === tracker.AnnounceEvent.ANNOUNCE_EVENT_STOPPED) {
      for (const member of members) if (member.stream === stream) members.delete(member);
    } else if (numWant !== undefined) {
      const others = [...members].filter((member) => member.stream !== stream);
      this.#answer(
        stream,
        infoHash,
        others.map(({ peer }) => peer),
        interval,
      );
    }
  }

  #answer(stream: Stream, infoHash: Buffer, peers: tracker.Peer[], interval: number): void {
    const seeders = peers.filter(({ seeder }) => seeder).length;
    const leechers = peers.length - seeders;
    const response = { interval, minInterval: 10, seeders, leechers, peers, warning: '' };
    stream.write({ message: { $case: 'answer', answer: { infoHash, response } } });
  }
}
