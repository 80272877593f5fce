import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { StagedNodes } from './fixtures/staged-nodes.ts';
import { THRESHOLDS } from './thresholds.ts';
import type { Warning } from './warnings.ts';

const ALL = [0, 1, 2, 3, 4, 5, 6, 7];
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Nodes that go on reporting what they have, so that time can pass. */
class Watched extends StagedNodes {
  readonly #reports = new Map<string, () => unknown>();

  keeps(
    node: string,
    ...report: Parameters<StagedNodes['has']> extends [string, ...infer Rest] ? Rest : never
  ): void {
    this.#reports.set(node, () => this.has(node, ...report));
    this.#reports.get(node)!();
  }

  falls(node: string): void {
    this.#reports.delete(node);
  }

  /** Everybody reports every 5 s, and the service looks. */
  wait(ms: number): void {
    for (let passed = 0; passed < ms; passed += 5 * SECOND) {
      this.clock.pass(5 * SECOND);
      for (const report of this.#reports.values()) report();
      this.health.sweep();
    }
  }

  get warnings(): Warning[] {
    return [...this.figures().warnings];
  }

  get codes(): string[] {
    return this.warnings.map(({ code }) => code);
  }
}

it('finds nothing in a swarm that is well', () => {
  const nodes = new Watched();
  nodes.keeps('a', ALL);
  nodes.keeps('b', ALL);
  nodes.wait(10 * MINUTE);
  expect(nodes.warnings).toEqual([]);
});

describe('a warning', () => {
  it('is of a piece with one node alone, when it has been for five minutes, until another has it', () => {
    const nodes = new Watched();
    nodes.keeps('a', ALL);
    nodes.keeps('b', ALL.slice(2));
    nodes.wait(5 * MINUTE);
    expect(nodes.codes).not.toContain('at-risk');
    nodes.wait(30 * SECOND);
    expect(nodes.warnings).toContainEqual({
      code: 'at-risk',
      severity: 'warning',
      message: '2 pieces would be lost with a: nobody else has them.',
      seconds: 325,
    });
    nodes.keeps('b', ALL);
    nodes.wait(5 * SECOND);
    expect(nodes.codes).not.toContain('at-risk');
  });

  it('is critical of pieces that nobody has, and comes first', () => {
    const nodes = new Watched();
    nodes.keeps('a', [0, 1, 2, 3, 4, 5]);
    nodes.keeps('b', [0]);
    nodes.wait(6 * MINUTE);
    expect(nodes.codes).toEqual(['lost', 'at-risk', 'no-seeder']);
    expect(nodes.warnings[0]).toMatchObject({
      severity: 'critical',
      message: '2 pieces are with no node: nobody can get all of it.',
    });
    expect(nodes.warnings[2]).toMatchObject({ message: 'None of 2 nodes has all of it.' });
  });

  it('is of nodes that want data and get none, at once; critical where nothing moves', () => {
    const nodes = new Watched();
    nodes.keeps('a', ALL);
    nodes.keeps('b', [0], { stalledMs: 20_000 });
    nodes.keeps('c', [1]);
    nodes.wait(MINUTE);
    expect(nodes.warnings).toMatchObject([{ code: 'node-stalled', message: 'b wants data and gets none.' }]);
    nodes.keeps('c', [1], { stalledMs: 20_000 });
    nodes.wait(3 * MINUTE);
    expect(nodes.warnings[0]).toMatchObject({
      code: 'stalled',
      severity: 'critical',
      message: 'Nothing moves: b and c want data, and nobody gets any.',
    });
  });

  it('names some of many nodes', () => {
    const nodes = new Watched();
    nodes.keeps('seeder', ALL);
    for (const name of 'abcdefg') nodes.keeps(name, [0], { stalledMs: 20_000 });
    nodes.wait(5 * SECOND);
    expect(nodes.warnings).toMatchObject([{ message: 'a, b, c, d and 3 more want data and get none.' }]);
  });

  it('is of a node that has fallen silent, until it is gone', () => {
    const nodes = new Watched();
    nodes.keeps('a', ALL);
    nodes.keeps('b', ALL);
    nodes.wait(SECOND);
    nodes.falls('b');
    nodes.wait(20 * SECOND);
    expect(nodes.warnings).toMatchObject([
      { code: 'node-silent', message: 'b has not reported for 15 s or more.' },
    ]);
    nodes.wait(MINUTE);
    expect(nodes.warnings).toEqual([]);
  });

  it('is of a straggler, by name', () => {
    const nodes = new Watched();
    nodes.keeps('seeder', ALL);
    for (const name of ['a', 'b', 'c']) nodes.keeps(name, []);
    nodes.wait(10 * SECOND);
    nodes.keeps('a', ALL);
    nodes.keeps('b', ALL);
    nodes.wait(4 * MINUTE);
    expect(nodes.warnings).toContainEqual(
      expect.objectContaining({
        code: 'straggler',
        message: expect.stringMatching(/^c takes \d+\.\d times as long as the median node\.$/),
      }),
    );
  });

  it('is of seeders that repeat themselves within half an hour', () => {
    const nodes = new Watched();
    nodes.keeps('seeder', ALL);
    nodes.keeps('a', ALL);
    nodes.wait(SECOND);
    nodes.keeps('seeder', ALL, { sent: 7500 * 3 });
    nodes.wait(MINUTE);
    expect(nodes.codes).toEqual([]);
    nodes.keeps('seeder', ALL, { sent: 7500 * 4 });
    nodes.wait(MINUTE);
    expect(nodes.warnings).toMatchObject([
      {
        code: 'amplification',
        message: expect.stringMatching(/^First seeders sent the content 4\.0 times within 30 minutes/),
      },
    ]);
    nodes.wait(31 * MINUTE);
    expect(nodes.codes).toEqual([]);
  });

  it('is of wrong pieces and of bans that are new, not of those of long ago', () => {
    const nodes = new Watched();
    const counters = (bans: number) => ({ bans: { stalls: bans }, discoveryMs: 0, messageMs: 0 });
    nodes.report('a', [], { counters: counters(50) });
    nodes.keeps('a', ALL, { failed: 10 });
    nodes.keeps('b', ALL);
    nodes.wait(MINUTE);
    expect(nodes.codes).toEqual([]);
    nodes.keeps('a', ALL, { failed: 13 });
    nodes.report('a', [], { counters: counters(56) });
    nodes.wait(5 * SECOND);
    expect(nodes.warnings).toMatchObject([
      { code: 'bad-pieces', message: '3 pieces that came within 10 minutes were not what they should be.' },
      { code: 'bans', message: 'Nodes turned 6 peers away for good within 10 minutes.' },
    ]);
    nodes.wait(11 * MINUTE);
    expect(nodes.codes).toEqual([]);
  });
});

describe('the alerts of Prometheus', () => {
  const file = new URL('../../../deploy/prometheus/alerts.yaml', import.meta.url);
  const alerts = new Map<string, { readonly expr: string; readonly for?: string }>();
  for (const group of parse(readFileSync(file, 'utf8')).groups)
    for (const rule of group.rules) alerts.set(rule.alert, rule);

  it.each([
    ['PixTorrentSwarmStalled', THRESHOLDS.stalledFor],
    ['PixTorrentPieceLost', THRESHOLDS.lostFor],
    ['PixTorrentPieceAtRisk', THRESHOLDS.atRiskFor],
    ['PixTorrentNoSeeder', THRESHOLDS.noSeederFor],
    ['PixTorrentStraggler', THRESHOLDS.stragglerFor],
  ])('%s waits as long as the warning', (alert, ms) => {
    expect(alerts.get(alert)?.for).toBe(`${ms / MINUTE}m`);
  });

  it.each([
    ['PixTorrentStraggler', `> ${THRESHOLDS.stragglerRatio} `],
    [
      'PixTorrentSeederAmplificationHigh',
      `[${THRESHOLDS.amplificationMinutes}m])) > ${THRESHOLDS.amplification}`,
    ],
    ['PixTorrentHashFailures', `[${THRESHOLDS.troubleMinutes}m]) >= ${THRESHOLDS.failedPieces}`],
    ['PixTorrentBanSpike', `[${THRESHOLDS.troubleMinutes}m])) > ${THRESHOLDS.bans}`],
  ])('%s has the same threshold', (alert, part) => {
    expect(`${alerts.get(alert)?.expr} `).toContain(part);
  });
});
