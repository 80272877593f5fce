import type { WireName } from '@pixtorrent/peer-protocol';
import { describe, expect, it } from 'vitest';
import { SimulatedSwarm, shapeOf } from '../simulated-swarm.ts';
import type { SwarmReport } from '../swarm-report.ts';

const RATE = 20_000_000;
const SHAPE = shapeOf(256, 256 * 1024);
const IDEAL = (SHAPE.length / RATE) * 1000;

function equalLines(leechers: number, seed: number, wire: WireName = 'pixwire'): SwarmReport {
  const swarm = new SimulatedSwarm({ seed, shape: SHAPE, wire });
  swarm.addSeeders(1, { uplink: RATE, downlink: RATE });
  swarm.addLeechers(leechers, { uplink: RATE, downlink: RATE });
  return swarm.run({ deadline: 20 * IDEAL });
}

describe('a swarm of equal lines', () => {
  it.each([1, 2, 3, 4])('of 16 ends within a quarter of the ideal time (seed %i)', (seed) => {
    for (const wire of ['pixwire', 'bep3'] as const) {
      const report = equalLines(16, seed, wire);
      expect(report.unfinished).toBe(0);
      expect(report.last / IDEAL, wire).toBeLessThan(1.25);
      expect(report.last / report.median, wire).toBeLessThan(1.1);
      expect(report.seederAmplification, wire).toBeLessThan(1.3);
      expect(report.duplicateRatio, wire).toBeLessThan(0.03);
      expect(report.bans).toBe(0);
    }
  });

  it('of 100 ends within half as much again, though the content is small', { timeout: 60_000 }, () => {
    const shape = shapeOf(256, 64 * 1024);
    const rate = RATE / 4;
    const swarm = new SimulatedSwarm({ seed: 1, shape });
    swarm.addSeeders(1, { uplink: rate, downlink: rate });
    swarm.addLeechers(100, { uplink: rate, downlink: rate });
    const ideal = (shape.length / rate) * 1000;
    const report = swarm.run({ deadline: 20 * ideal });
    expect(report.unfinished).toBe(0);
    expect(report.last / ideal).toBeLessThan(1.5);
    expect(report.seederAmplification).toBeLessThan(1.5);
    expect(report.duplicateRatio).toBeLessThan(0.03);
  });

  it('runs the same from the same seed, to the last number, and differently from another', () => {
    const [first, again, other] = [equalLines(8, 5), equalLines(8, 5), equalLines(8, 6)];
    expect(again).toEqual(first);
    expect(other.trace).not.toBe(first.trace);
  });
});

describe('a swarm of unequal lines', () => {
  it('does not wait for its slow members', () => {
    const swarm = new SimulatedSwarm({ seed: 2, shape: SHAPE });
    swarm.addSeeders(1, { uplink: RATE, downlink: RATE });
    const slow = swarm.addLeechers(4, { uplink: RATE / 20, downlink: RATE / 20 });
    const fast = swarm.addLeechers(12, { uplink: RATE, downlink: RATE });
    const report = swarm.run({ deadline: 60 * IDEAL });
    expect(report.unfinished).toBe(0);
    expect(report.bans).toBe(0);
    expect(Math.max(...fast.map((node) => node.finishedAt!)) / IDEAL).toBeLessThan(1.6);
    expect(Math.max(...slow.map((node) => node.finishedAt!)) / (20 * IDEAL)).toBeLessThan(1.3);
  });

  it('with uplinks a fifth of the downlinks ends near what the uplinks allow together', () => {
    const swarm = new SimulatedSwarm({ seed: 3, shape: SHAPE });
    swarm.addSeeders(1, { uplink: RATE, downlink: 5 * RATE });
    swarm.addLeechers(10, { uplink: RATE / 5, downlink: RATE });
    const report = swarm.run({ deadline: 60 * IDEAL });
    // All uplinks together carry the content once to each of the ten.
    const ideal = (10 * SHAPE.length * 1000) / (RATE + (10 * RATE) / 5);
    expect(report.unfinished).toBe(0);
    expect(report.last / ideal).toBeLessThan(1.35);
  });

  it.each([
    ['pixwire', 300_000, 2.2],
    ['bep3', 300_000, 2.2],
    ['pixwire', 40_000, 2.5],
    ['bep3', 40_000, 2.5],
  ] as const)(
    'of slow lines ends too, and nobody is taken for dead (%s, %i bytes a second)',
    (wire, rate, bound) => {
      const shape = shapeOf(32, 128 * 1024);
      const swarm = new SimulatedSwarm({ seed: 4, shape, wire });
      swarm.addSeeders(1, { uplink: rate, downlink: rate });
      swarm.addLeechers(6, { uplink: rate, downlink: rate });
      const ideal = (shape.length / rate) * 1000;
      const report = swarm.run({ deadline: 10 * ideal });
      expect(report.unfinished).toBe(0);
      expect(report.bans).toBe(0);
      expect(report.last / ideal).toBeLessThan(bound);
    },
  );
});
