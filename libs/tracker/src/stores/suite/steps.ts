import fc from 'fast-check';
import { type Change, compactOf, HASHES, TIME_TO_LIVE } from './announces.ts';

export const PEERS = 40;

const labels = fc.constantFrom('', 'a', 'b');

/** Milliseconds that pass before something happens. */
const wait = fc.oneof(
  { weight: 4, arbitrary: fc.nat(60) },
  { weight: 1, arbitrary: fc.nat(2 * TIME_TO_LIVE) },
);

const stalledWith = fc
  .array(fc.nat(PEERS), { maxLength: 30 })
  .map((peers) => new Set(peers.flatMap((peer) => [compactOf(peer, 4), compactOf(peer, 6)])));

const change: fc.Arbitrary<Change> = fc
  .record({
    peer: fc.nat(PEERS),
    swarm: fc.nat(HASHES.length - 1),
    family: fc.constantFrom(4, 4, 6),
    role: fc.constantFrom('leecher', 'leecher', 'seed', 'gone'),
    left: fc.oneof(fc.nat(9), fc.maxSafeNat()),
    completed: fc.boolean(),
    zone: labels,
    node: labels,
    pixwire: fc.boolean(),
    numWant: fc.nat(50),
    families: fc.constantFrom('own', 'both'),
    details: fc.boolean(),
    stalled: fc.option(stalledWith, { freq: 4 }),
  } as const)
  .map(({ stalled, ...rest }) => (stalled === null ? rest : { ...rest, stalledWith: stalled }));

export type Step =
  | { readonly type: 'announce'; readonly wait: number; readonly change: Change }
  /** Peers that are told at second hand, and how old that is. */
  | { readonly type: 'restore'; readonly wait: number; readonly peers: { change: Change; age: number }[] };

const announceStep = fc.record({ type: fc.constant('announce' as const), wait, change });
const restoreStep = fc.record({
  type: fc.constant('restore' as const),
  wait,
  peers: fc.uniqueArray(fc.record({ change, age: fc.nat(Math.floor(1.2 * TIME_TO_LIVE)) }), {
    maxLength: 10,
    selector: ({ change: { peer, swarm, family } }) => `${peer} ${swarm} ${family}`,
  }),
});

/** Anything that may happen to a store. */
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof({ weight: 9, arbitrary: announceStep }, { weight: 1, arbitrary: restoreStep }),
  { minLength: 1, maxLength: 120 },
);
