import { describe, expect, it } from 'vitest';
import { SimulatedSwarm, shapeOf } from '../simulated-swarm.ts';
import type { SwarmReport } from '../swarm-report.ts';
import { complaints } from './invariants.ts';
import { randomScenario } from './random-scenario.ts';

const SEEDS = 60;

describe('a random swarm with liars, silent peers, deaths, cuts and lost pieces', () => {
  it('ends whole at everybody who stays, and breaks no rule', () => {
    const broken: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const scenario = randomScenario(seed);
      scenario.swarm.run({ deadline: 1_800_000, events: 20_000_000 });
      // What is under way when the last one finishes is to come to rest.
      scenario.swarm.time.run({ until: scenario.swarm.time.now() + 5000 });
      for (const line of complaints(scenario)) broken.push(`${seed} (${scenario.description}): ${line}`);
    }
    expect(broken).toEqual([]);
  });

  it('runs the same way to the last event from the same seed', () => {
    const run = (seed: number): SwarmReport => randomScenario(seed).swarm.run({ deadline: 60_000 });
    for (const seed of [5, 8, 16]) {
      const report = run(seed);
      expect(run(seed)).toEqual(report);
      expect(report.trace).not.toBe(run(seed + 1).trace);
    }
  });
});

describe('SimulatedSwarm', () => {
  it('reports what was moved, by whom, and when it was there', () => {
    const swarm = new SimulatedSwarm({ seed: 1, shape: shapeOf(32, 64 * 1024, 1000) });
    const [seeder] = swarm.addSeeders(1, { uplink: 1_000_000 });
    const [early, late, gone] = swarm.addLeechers(3, (number) =>
      number === 1 ? { joinAt: 60_000 } : number === 2 ? { killAt: 1000 } : {},
    );
    const report = swarm.run();
    const length = 31 * 65_536 + 1000;
    expect(report).toMatchObject({ contentLength: length, unfinished: 0, bans: 0 });
    expect(early!.finishedAt).toBeGreaterThan(length / 1000);
    expect(late!.finishedAt).toBeGreaterThan(60_000);
    expect(gone!.finishedAt).toBeUndefined();
    expect(report.nodes[2]!.finished).toBe(late!.finishedAt! - 60_000);
    expect(report.seederAmplification).toBeCloseTo(seeder!.payloadSent / length, 9);
    const sent = report.nodes.reduce((sum, node) => sum + node.payloadSent, 0);
    const received = report.nodes.reduce((sum, node) => sum + node.payloadReceived, 0);
    expect(early!.payloadReceived).toBe(length);
    expect(sent).toBeGreaterThanOrEqual(received);
  });

  it('finds and bans a liar, and still ends whole', () => {
    const swarm = new SimulatedSwarm({ seed: 3, shape: shapeOf(64, 64 * 1024) });
    swarm.addSeeders(1, { uplink: 2_000_000 });
    const liar = swarm.add({
      have: 'all',
      uplink: 2_000_000,
      pieces: { corrupts: (_, block) => block === 1 },
    });
    const leechers = swarm.addLeechers(4);
    expect(swarm.run().unfinished).toBe(0);
    for (const leecher of leechers) {
      expect(leecher.failedPieces).toBeGreaterThan(0);
      expect(new Set(leecher.bans.map((ban) => ban.key))).toEqual(new Set([liar.endpoint.host]));
    }
  });

  it('gets around a peer that promises everything and gives nothing', () => {
    const swarm = new SimulatedSwarm({ seed: 4, shape: shapeOf(64, 64 * 1024) });
    swarm.addSeeders(1, { uplink: 2_000_000 });
    swarm.addLeechers(2, { behaviour: 'silent', have: 'all' });
    swarm.add({ behaviour: 'mute' });
    swarm.addLeechers(4);
    const report = swarm.run({ deadline: 120_000 });
    expect(report.unfinished).toBe(0);
  });
});
