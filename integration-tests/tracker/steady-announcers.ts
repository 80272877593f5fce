import { createHash } from 'node:crypto';
import { Agent, get } from 'node:http';
import { type Dictionary, decode } from '@pixtorrent/bencode';

/** Bytes of a percent-encoded hash. */
const encoded = (hash: Buffer) => hash.toString('hex').replace(/../g, '%$&');

const SWARMS = 10;
const PEERS = 1000;
const ANSWER_SECONDS = 30;

interface Peer {
  readonly number: number;
  readonly swarm: number;
  there: boolean;
  seed: boolean;
  busy: boolean;
}

/**
 * A thousand peers in ten swarms that announce over HTTP at a steady rate, join, become seeds and leave; every answer
 * is looked at. Each peer waits for its answer before it announces again, so what it said last is what counts; it says it
 * to any of the trackers, as behind a load balancer.
 */
export class SteadyAnnouncers {
  readonly problems: string[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #ports: readonly number[];
  readonly #peers: Peer[];
  readonly #open = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #next = 0;

  constructor(ports: readonly number[]) {
    this.#ports = ports;
    this.#peers = Array.from({ length: PEERS }, (_, number) => ({
      number,
      swarm: number % SWARMS,
      there: false,
      seed: false,
      busy: false,
    }));
  }

  get sent(): number {
    return this.#sent;
  }

  /** @param rate announces a second */
  start(rate: number): void {
    const started = performance.now();
    let due = 0;
    this.#timer = setInterval(() => {
      const now = Math.floor(((performance.now() - started) / 1000) * rate);
      for (; due < now; due++) this.#announceNext();
    }, 2);
  }

  /** Stops announcing; fulfilled when the last answer is there. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
  }

  /** Fulfilled when every peer is a member by the time it is. */
  async allJoin(): Promise<void> {
    for (const peer of this.#peers) {
      peer.there = true;
      this.#announce(peer, 'started');
      if (this.#open.size >= 64) await Promise.race(this.#open);
    }
    await Promise.all(this.#open);
  }

  /** Seeders and leechers of each swarm, as the peers have it. */
  expected(): { seeders: number; leechers: number }[] {
    return Array.from({ length: SWARMS }, (_, swarm) => {
      const members = this.#peers.filter((peer) => peer.swarm === swarm && peer.there);
      const seeders = members.filter(({ seed }) => seed).length;
      return { seeders, leechers: members.length - seeders };
    });
  }

  /** The same as a tracker has it, by a scrape. */
  async counted(tracker: number): Promise<{ seeders: number; leechers: number }[]> {
    const hashes = Array.from({ length: SWARMS }, (_, swarm) => hashOf(swarm));
    const query = hashes.map((hash) => `info_hash=${encoded(hash)}`).join('&');
    const body = await this.#get(`http://127.0.0.1:${this.#ports[tracker]}/scrape?${query}`);
    const files = (decode(body) as Dictionary).dictionary('files');
    return hashes.map((hash) => {
      const file = files?.dictionary(hash.toString('latin1'));
      return { seeders: file?.integer('complete') ?? 0, leechers: file?.integer('incomplete') ?? 0 };
    });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#agent.destroy();
  }

  /** By the next peer that waits for no answer; by none where all do. */
  #announceNext(): void {
    for (let tries = 0; tries < PEERS; tries++) {
      const peer = this.#peers[this.#next++ % PEERS]!;
      if (peer.busy) continue;
      const chance = (this.#next * 2654435761) % 100;
      if (!peer.there) {
        peer.there = true;
        this.#announce(peer, 'started');
      } else if (chance < 10) {
        peer.there = false;
        peer.seed = false;
        this.#announce(peer, 'stopped');
      } else if (chance < 20 && !peer.seed) {
        peer.seed = true;
        this.#announce(peer, 'completed');
      } else this.#announce(peer);
      return;
    }
  }

  #announce(peer: Peer, event?: string): void {
    this.#sent++;
    peer.busy = true;
    const tracker = (Math.imul(this.#sent, 2654435761) >>> 16) % this.#ports.length;
    const query = [
      `info_hash=${encoded(hashOf(peer.swarm))}`,
      `peer_id=-FA0001-${String(peer.number).padStart(12, '0')}`,
      `port=${10_000 + peer.number}`,
      `uploaded=0&downloaded=0&left=${peer.seed ? 0 : 1000}&compact=1&numwant=30`,
      ...(event ? [`event=${event}`] : []),
    ].join('&');
    const asked = this.#get(`http://127.0.0.1:${this.#ports[tracker]}/announce?${query}`)
      .then(
        (body) => {
          const answer = decode(body) as Dictionary;
          const reason = answer.text('failure reason');
          if (reason !== undefined) this.problems.push(`refused: ${reason}`);
        },
        (error) => this.problems.push(String(error)),
      )
      .then(() => {
        peer.busy = false;
        this.#open.delete(asked);
      });
    this.#open.add(asked);
  }

  #get(url: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: this.#agent, timeout: ANSWER_SECONDS * 1000 }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve(Buffer.concat(parts)));
        response.on('error', reject);
      });
      request.on('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', reject);
    });
  }
}

function hashOf(swarm: number): Buffer {
  return createHash('sha1').update(`steady ${swarm}`).digest();
}
