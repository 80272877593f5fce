import type { Member } from './member.ts';
import { Recent } from './recent.ts';
import type { Swarm } from './swarm.ts';
import { isStale, isStalled, type SwarmFigures, type Times } from './swarm-figures.ts';
import { THRESHOLDS } from './thresholds.ts';

/** What somebody should look at. */
export interface Warning {
  readonly code: WarningCode;
  /** Critical: somebody cannot get something. */
  readonly severity: 'critical' | 'warning';
  /** A sentence that names what and who. */
  readonly message: string;
  /** For how long it has been so. */
  readonly seconds: number;
}

export type WarningCode =
  | 'lost'
  | 'stalled'
  | 'at-risk'
  | 'no-seeder'
  | 'node-stalled'
  | 'node-silent'
  | 'straggler'
  | 'amplification'
  | 'bad-pieces'
  | 'bans';

/** Something that is so now, and a warning when it has been for long enough. */
interface Finding {
  readonly code: WarningCode;
  readonly severity: Warning['severity'];
  readonly message: string;
  /** Milliseconds. */
  readonly after: number;
}

interface Held {
  readonly since: number;
  readonly finding: Finding;
}

/** Nodes that a sentence names. */
const NAMED = 5;

/** What is wrong with a swarm, and since when. */
export class Warnings {
  /** Bytes that first seeders sent, pieces whose hash was wrong, and bans by the nodes: since the service hears of them. */
  readonly originSent = new Recent(THRESHOLDS.amplificationMinutes);
  readonly failed = new Recent(THRESHOLDS.troubleMinutes);
  readonly bans = new Recent(THRESHOLDS.troubleMinutes);
  readonly #held = new Map<WarningCode, Held>();
  #told = '';

  /** Looks anew. To be called often. @param now milliseconds @returns whether what there is to tell has changed */
  review(swarm: Swarm, figures: SwarmFigures, now: number, times: Times): boolean {
    const found = new Map<WarningCode, Finding>();
    for (const finding of this.#find(swarm, figures, now, times)) found.set(finding.code, finding);
    for (const code of this.#held.keys()) if (!found.has(code)) this.#held.delete(code);
    for (const [code, finding] of found)
      this.#held.set(code, { since: this.#held.get(code)?.since ?? now, finding });
    const before = this.#told;
    this.#told = this.list(now)
      .map(({ code, message }) => `${code} ${message}`)
      .join();
    return this.#told !== before;
  }

  /** The worst first. */
  list(now: number): Warning[] {
    const warnings: Warning[] = [];
    for (const { since, finding } of this.#held.values()) {
      const { after, ...rest } = finding;
      if (now - since >= after) warnings.push({ ...rest, seconds: (now - since) / 1000 });
    }
    return warnings.sort(
      ({ severity: a }, { severity: b }) => Number(b === 'critical') - Number(a === 'critical'),
    );
  }

  *#find(swarm: Swarm, figures: SwarmFigures, now: number, times: Times): Generator<Finding> {
    const { nodes, whole, availability, solePieces, soleHolder = '', stragglerRatio } = figures;
    const lacking = nodes - whole;
    const stalled = namesOf(swarm, (member) => isStalled(member, now, times));
    const silent = namesOf(swarm, (member) => isStale(member, now, times));
    if (nodes > 0 && availability === 0)
      yield {
        code: 'lost',
        severity: 'critical',
        message: `${counted(swarm.copies.missing, 'piece is', 'pieces are')} with no node: nobody can get all of it.`,
        after: THRESHOLDS.lostFor,
      };
    if (lacking > 0 && stalled.length >= lacking)
      yield {
        code: 'stalled',
        severity: 'critical',
        message: `Nothing moves: ${listed(stalled)} ${stalled.length === 1 ? 'wants' : 'want'} data, and nobody gets any.`,
        after: THRESHOLDS.stalledFor,
      };
    if (stalled.length > 0)
      yield {
        code: 'node-stalled',
        severity: 'warning',
        message: `${listed(stalled)} ${stalled.length === 1 ? 'wants data and gets' : 'want data and get'} none.`,
        after: 0,
      };
    if (silent.length > 0)
      yield {
        code: 'node-silent',
        severity: 'warning',
        message: `${listed(silent)} ${silent.length === 1 ? 'has' : 'have'} not reported for ${times.staleAfter / 1000} s or more.`,
        after: 0,
      };
    if (solePieces > 0 && swarm.members.size > 1)
      yield {
        code: 'at-risk',
        severity: 'warning',
        message: `${counted(solePieces, 'piece', 'pieces')} would be lost with ${soleHolder}: nobody else has ${solePieces === 1 ? 'it' : 'them'}.`,
        after: THRESHOLDS.atRiskFor,
      };
    if (nodes > 0 && whole === 0)
      yield {
        code: 'no-seeder',
        severity: 'warning',
        message: `None of ${counted(nodes, 'node', 'nodes')} has all of it.`,
        after: THRESHOLDS.noSeederFor,
      };
    if (lacking > 0 && stragglerRatio > THRESHOLDS.stragglerRatio)
      yield {
        code: 'straggler',
        severity: 'warning',
        message: `${figures.slowest ?? 'A node'} takes ${stragglerRatio.toFixed(1)} times as long as the median node.`,
        after: THRESHOLDS.stragglerFor,
      };
    const sent = this.originSent.sum(now) / swarm.size;
    if (sent > THRESHOLDS.amplification)
      yield {
        code: 'amplification',
        severity: 'warning',
        message: `First seeders sent the content ${sent.toFixed(1)} times within ${THRESHOLDS.amplificationMinutes} minutes: nodes get it from them and not from each other.`,
        after: 0,
      };
    yield* this.#trouble(now);
  }

  *#trouble(now: number): Generator<Finding> {
    const failed = this.failed.sum(now);
    const bans = this.bans.sum(now);
    if (failed >= THRESHOLDS.failedPieces)
      yield {
        code: 'bad-pieces',
        severity: 'warning',
        message: `${failed} pieces that came within ${THRESHOLDS.troubleMinutes} minutes were not what they should be.`,
        after: 0,
      };
    if (bans > THRESHOLDS.bans)
      yield {
        code: 'bans',
        severity: 'warning',
        message: `Nodes turned ${bans} peers away for good within ${THRESHOLDS.troubleMinutes} minutes.`,
        after: 0,
      };
  }
}

function namesOf(swarm: Swarm, wanted: (member: Member) => boolean): string[] {
  const names: string[] = [];
  for (const member of swarm.members.values()) if (wanted(member)) names.push(member.node.name);
  return names;
}

/** `a`, `a and b`, `a, b and 7 more`. */
function listed(names: readonly string[]): string {
  if (names.length === 1) return names[0]!;
  const isShort = names.length <= NAMED;
  const first = names.slice(0, isShort ? -1 : NAMED - 1).join(', ');
  return `${first} and ${isShort ? names.at(-1) : `${names.length - NAMED + 1} more`}`;
}

function counted(count: number, one: string, more: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : more}`;
}
