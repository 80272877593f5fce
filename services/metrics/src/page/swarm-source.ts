import type { MemberFigures, Swarm, SwarmHealth } from '@pixtorrent/swarm-health';
import type { NodeMessage, SwarmDetail, SwarmMessage } from '../../page/messages.d.ts';
import { findSwarm } from '../swarms/find-swarm.ts';
import { type EventSource, event } from './event-feed.ts';
import { columnsOf, shownPieces } from './shown-pieces.ts';
import { swarmDetail } from './swarm-line.ts';

/** Nodes that are shown; the figures of the swarm are of all of them. */
const MOST_NODES = 1000;
/** Peers of a node that are told: those it got most from. */
const MOST_PEERS = 10;
/** Looks after which what depends on the time alone is told too. */
const LOOKS = 4;
/** Seconds of silence that are usual, and in which steps more are told. */
const USUAL_SILENCE = 15;
const SILENCE_STEP = 5;

type NodeFigures = Omit<NodeMessage, 'pieces' | 'from'>;

/** What was told of a node. */
interface Told {
  figures: string;
  pieces: Uint8Array;
  peers: MemberFigures['peers'];
  look: number;
}

/** One swarm with its nodes, by its name or its info hash, also while nobody reports it. */
export class SwarmSource implements EventSource {
  readonly #health: SwarmHealth;
  readonly #name: string;
  readonly #told = new Map<string, Told>();
  /** Null before the first look. */
  #swarm: Swarm | undefined | null = null;
  #version = 0;
  #look = 0;
  #lookedAt = 0;

  constructor(health: SwarmHealth, name: string) {
    this.#health = health;
    this.#name = name;
  }

  whole(): string {
    const swarm = findSwarm(this.#health, this.#name);
    const nodes: NodeMessage[] = [];
    if (swarm !== undefined)
      for (const member of this.#members(swarm))
        nodes.push({
          ...figuresOf(member),
          pieces: base64(shownPieces(member.pieces, swarm.pieces)),
          from: strongest(member.peers),
        });
    return this.#message({ whole: true, swarm: this.#detail(swarm), nodes, gone: [] });
  }

  changes(): string | undefined {
    const swarm = findSwarm(this.#health, this.#name);
    this.#look++;
    if (swarm !== this.#swarm) {
      this.#swarm = swarm;
      this.#told.clear();
      if (swarm !== undefined) this.#nodes(swarm);
      return this.whole();
    }
    if (swarm === undefined) return undefined;
    if (swarm.version === this.#version && this.#look - this.#lookedAt < LOOKS) return undefined;
    const nodes = this.#nodes(swarm);
    return this.#message({ whole: false, swarm: this.#detail(swarm), nodes, gone: this.#gone() });
  }

  /** What has changed of the nodes. */
  #nodes(swarm: Swarm): NodeMessage[] {
    this.#version = swarm.version;
    this.#lookedAt = this.#look;
    const changed: NodeMessage[] = [];
    for (const member of this.#members(swarm)) {
      const message = this.#node(member, swarm.pieces);
      if (message !== undefined) changed.push(message);
    }
    return changed;
  }

  #node(member: MemberFigures, count: number): NodeMessage | undefined {
    const figures = figuresOf(member);
    const words = JSON.stringify(figures);
    const pieces = shownPieces(member.pieces, count);
    const told = this.#told.get(member.node);
    const { peers } = member;
    this.#told.set(member.node, { figures: words, pieces, peers, look: this.#look });
    const hasMoved = told === undefined || Buffer.compare(told.pieces, pieces) !== 0;
    const hasReported = told?.peers !== peers;
    if (!hasMoved && !hasReported && told.figures === words) return undefined;
    return {
      ...figures,
      ...(hasMoved && { pieces: base64(pieces) }),
      ...(hasReported && { from: strongest(peers) }),
    };
  }

  #gone(): string[] {
    const gone: string[] = [];
    for (const [node, { look }] of this.#told) if (look !== this.#look) gone.push(node);
    for (const node of gone) this.#told.delete(node);
    return gone;
  }

  *#members(swarm: Swarm): Generator<MemberFigures> {
    let left = MOST_NODES;
    for (const member of this.#health.members(swarm)) {
      if (left-- === 0) return;
      yield member;
    }
  }

  #detail(swarm: Swarm | undefined): SwarmDetail | null {
    if (swarm === undefined) return null;
    const omitted = Math.max(0, swarm.members.size - MOST_NODES);
    return swarmDetail(this.#health.figures(swarm), { columns: columnsOf(swarm.pieces), omitted });
  }

  #message(message: SwarmMessage): string {
    return event('swarm', message);
  }
}

function figuresOf(member: MemberFigures): NodeFigures {
  const { node, zone, completion, downRate, upRate, solePieces, stalled, silentSeconds } = member;
  return {
    node,
    zone,
    completion,
    down: Math.round(downRate),
    up: Math.round(upRate),
    sole: solePieces,
    stalled,
    silent: silentSeconds < USUAL_SILENCE ? 0 : silentSeconds - (silentSeconds % SILENCE_STEP),
    partial: member.partial,
  };
}

function strongest(peers: MemberFigures['peers']): [string, number][] {
  return peers
    .filter(({ received }) => received > 0)
    .sort((a, b) => b.received - a.received)
    .slice(0, MOST_PEERS)
    .map(({ peer, received }) => [peer, received]);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
