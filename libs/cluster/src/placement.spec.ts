import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candidate, Placement } from './placement.ts';

function candidate(name: string, zone = '', state: Candidate['state'] = 'ready', diskUsed = 0): Candidate {
  return { name, zone, state, diskUsed };
}

const ready = (count: number, zones = 1): Candidate[] =>
  Array.from({ length: count }, (_, i) => candidate(`node-${i}`, zones === 1 ? '' : `zone-${i % zones}`));
const ENTRIES = Array.from({ length: 3000 }, (_, i) => `models/entry-${i}`);

const anyNode = fc.record({
  name: fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,12}$/),
  zone: fc.constantFrom('', 'a', 'b', 'c'),
  state: fc.constantFrom('ready', 'ready', 'starting', 'draining'),
  diskUsed: fc.constantFrom(0, 1),
});
const anyNodes = fc.uniqueArray(anyNode as fc.Arbitrary<Candidate>, {
  selector: ({ name }) => name,
  maxLength: 30,
});
const anyEntry = fc.stringMatching(/^[a-z0-9/._-]{1,20}$/);
const anyReplicas = fc.integer({ min: 1, max: 6 });

/** How many of the entries each node holds. */
function loads(nodes: readonly Candidate[], replicas: number): Map<string, number> {
  const counts = new Map(nodes.map(({ name }) => [name, 0]));
  const placement = new Placement(nodes);
  for (const entry of ENTRIES)
    for (const name of placement.holders(entry, replicas)) counts.set(name, counts.get(name)! + 1);
  return counts;
}

/** Copies that one placement has elsewhere than the other. */
function moved(before: readonly Candidate[], after: readonly Candidate[], replicas: number): number {
  const [from, to] = [new Placement(before), new Placement(after)];
  let count = 0;
  for (const entry of ENTRIES) {
    const holders = new Set(from.holders(entry, replicas));
    count += to.holders(entry, replicas).filter((name) => !holders.has(name)).length;
  }
  return count;
}

describe('placement', () => {
  it('is the same in whatever order the nodes are known', () => {
    fc.assert(
      fc.property(
        anyNodes.chain((nodes) =>
          fc.tuple(
            fc.constant(nodes),
            fc.shuffledSubarray(nodes, { minLength: nodes.length, maxLength: nodes.length }),
          ),
        ),
        anyEntry,
        anyReplicas,
        ([nodes, shuffled], entry, replicas) => {
          expect(new Placement(shuffled).holders(entry, replicas)).toEqual(
            new Placement(nodes).holders(entry, replicas),
          );
        },
      ),
    );
  });

  it('gives each entry as many holders as are wanted, or all that there are, and says of each whether it is one', () => {
    fc.assert(
      fc.property(anyNodes, anyEntry, anyReplicas, (nodes, entry, replicas) => {
        const placement = new Placement(nodes);
        const holders = placement.holders(entry, replicas);
        expect(new Set(holders).size).toBe(Math.min(replicas, placement.size));
        for (const { name } of nodes)
          expect(placement.shouldHold(entry, replicas, name)).toBe(holders.includes(name));
        const placed = nodes.filter(
          ({ state, diskUsed }) => state === 'ready' || (state === 'starting' && diskUsed > 0),
        );
        expect([...placement.holders(entry, 'all')].sort()).toEqual(placed.map(({ name }) => name).sort());
      }),
    );
  });

  it('moves nothing but to a node that comes, or from one that goes: one copy of an entry at the most', () => {
    fc.assert(
      fc.property(
        anyNodes,
        anyNode as fc.Arbitrary<Candidate>,
        anyEntry,
        anyReplicas,
        (nodes, one, entry, k) => {
          const without = nodes.filter(({ name }) => name !== one.name);
          const before = new Placement(without).holders(entry, k);
          const after = new Placement([...without, one]).holders(entry, k);
          expect(after.filter((name) => name !== one.name && !before.includes(name))).toEqual([]);
          expect(before.filter((name) => !after.includes(name)).length).toBeLessThanOrEqual(
            after.includes(one.name) ? 1 : 0,
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    [10, 1],
    [10, 3],
    [31, 2],
  ])('moves about its share when one comes to %i nodes, %i copies', (count, replicas) => {
    const share = (ENTRIES.length * replicas) / (count + 1);
    const change = moved(ready(count), ready(count + 1), replicas);
    expect(change).toBeGreaterThan(share * 0.8);
    expect(change).toBeLessThan(share * 1.2);
    expect(moved(ready(count + 1), ready(count), replicas)).toBe(change);
  });

  it.each([
    [10, 1, 1],
    [10, 3, 1],
    [12, 2, 3],
    [12, 3, 3],
    [12, 4, 3],
  ])('gives each of %i nodes its share, %i copies, %i zones', (count, replicas, zones) => {
    const share = (ENTRIES.length * replicas) / count;
    for (const load of loads(ready(count, zones), replicas).values()) {
      expect(load).toBeGreaterThan(share * 0.8);
      expect(load).toBeLessThan(share * 1.2);
    }
  });

  it('is in as many zones as can be, none of which has two more than another', () => {
    fc.assert(
      fc.property(anyNodes, anyEntry, anyReplicas, (nodes, entry, replicas) => {
        const placement = new Placement(nodes);
        const zoneOf = new Map(nodes.map(({ name, zone }) => [name, zone]));
        const sizes = new Map<string, number>();
        for (const name of placement.holders(entry, 'all'))
          sizes.set(zoneOf.get(name)!, (sizes.get(zoneOf.get(name)!) ?? 0) + 1);
        const copies = new Map<string, number>();
        for (const name of placement.holders(entry, replicas))
          copies.set(zoneOf.get(name)!, (copies.get(zoneOf.get(name)!) ?? 0) + 1);
        const most = Math.max(0, ...copies.values());
        for (const [zone, size] of sizes)
          expect(copies.get(zone) ?? 0).toBeGreaterThanOrEqual(Math.min(size, most - 1));
      }),
    );
  });

  it('keeps the place of a node that restarts, and gives none to one that is new or leaves', () => {
    const others = ready(9);
    const states: [Candidate['state'], number, boolean][] = [
      ['ready', 5, true],
      ['starting', 5, true],
      ['ready', 0, true],
      ['starting', 0, false],
      ['draining', 5, false],
    ];
    const settled = [...others, candidate('x', '', 'ready', 5)];
    for (const [state, diskUsed, there] of states) {
      const now = [...others, candidate('x', '', state, diskUsed)];
      const change = moved(settled, now, 3);
      if (there) expect(change).toBe(0);
      else expect(change).toBeGreaterThan(500);
      expect(new Placement(now).shouldHold('any', 'all', 'x')).toBe(there);
    }
  });

  it('is what all nodes of every version agree on', () => {
    const placement = new Placement(ready(20, 3));
    const of = (entry: string) => placement.holders(entry, 4).join(' ');
    expect(['a', 'models/llama-3', ''].map(of)).toMatchInlineSnapshot(`
      [
        "node-19 node-9 node-14 node-4",
        "node-19 node-5 node-3 node-4",
        "node-12 node-2 node-16 node-17",
      ]
    `);
  });
});
