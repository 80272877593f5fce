import { SeededRandom } from '@pixtorrent/core';
import type { NodeOptions, SimulatedNode } from '../simulated-node.ts';
import { SimulatedSwarm, shapeOf } from '../simulated-swarm.ts';

/** A swarm with everything that may go wrong in it, drawn from one number. It can finish: an honest seeder stays. */
export interface Scenario {
  readonly swarm: SimulatedSwarm;
  /** One line for a person. */
  readonly description: string;
  /** Nodes that no other may ban: they give right data as fast as they can. */
  readonly honest: ReadonlySet<SimulatedNode>;
}

const MB = 1_000_000;

export function randomScenario(seed: number): Scenario {
  const random = new SeededRandom(seed);
  const pick = <T>(...items: readonly T[]): T => items[random.below(items.length)]!;
  const between = (low: number, high: number): number => low + random.below(high - low + 1);

  const pieceLength = pick(16, 32, 64, 256, 1024) * 1024;
  const pieceCount = Math.min(between(1, 200), Math.ceil((48 * MB) / pieceLength));
  const wire = pick('pixwire', 'bep3');
  const shape = shapeOf(pieceCount, pieceLength, between(1, pieceLength));
  const delay = pick(0, 0.1, 2, 30);
  const swarm = new SimulatedSwarm({
    seed,
    shape,
    wire,
    network: { delay, sendBuffer: pick(16, 256) * 1024 },
    peersKnown: between(2, 50),
  });
  const pieces = {
    slots: pick(2, 8, 64),
    hashRate: pick(50 * MB, 1500 * MB),
    writeRate: pick(30 * MB, 2000 * MB),
  };
  const rates = (): NodeOptions => ({
    uplink: pick(1, 5, 20, 100) * MB,
    downlink: pick(2, 20, 100) * MB,
    pieces,
  });
  const torrent = pick({}, {}, {}, { order: 'sequential' as const }, { tuning: { uploadSlots: 3 } });

  const seeders = between(1, 2);
  const leechers = between(1, 16);
  const strangers = { liars: pick(0, 0, 1, 2), silent: pick(0, 0, 1, 3), mute: pick(0, 0, 2) };
  const superSeed = random.below(5) === 0 && seeders === 1;
  const honest = new Set<SimulatedNode>();
  const lively: SimulatedNode[] = [];
  const keep = (node: SimulatedNode): void => {
    honest.add(node);
    lively.push(node);
  };
  for (const node of swarm.addSeeders(seeders, { ...rates(), torrent: { ...torrent, superSeed } }))
    keep(node);
  for (let i = 0; i < strangers.liars; i++) {
    const every = between(1, 20);
    const corrupts = (piece: number, block: number): boolean => (piece * 7 + block) % every === 0;
    swarm.add({ ...rates(), have: 'all', pieces: { corrupts } });
  }
  for (let i = 0; i < strangers.silent; i++) swarm.add({ ...rates(), have: 'all', behaviour: 'silent' });
  for (let i = 0; i < strangers.mute; i++) swarm.add({ ...rates(), behaviour: 'mute' });
  let gone = 0;
  for (let i = 0; i < leechers; i++) {
    const end = random.below(6) === 0 ? pick('leaveAt', 'killAt', 'vanishAt') : undefined;
    const have =
      random.below(4) === 0 ? Array.from(Array(pieceCount).keys()).filter(() => random.below(2) === 0) : [];
    const node = swarm.add({
      ...rates(),
      torrent,
      have,
      joinAt: pick(0, 0, between(0, 5000)),
      ...(end === undefined ? {} : { [end]: between(0, 10_000) }),
    });
    if (end === undefined) keep(node);
    else gone++;
    if (end !== 'vanishAt') honest.add(node);
  }
  const cuts = pick(0, 0, 5, 40);
  for (let i = 0; i < cuts; i++) {
    swarm.time.at(between(10, 15_000), () => {
      const { links } = lively[random.below(lively.length)]!;
      links[random.below(Math.max(1, links.length))]?.cut();
    });
  }
  const losses = pick(0, 0, 0, 3);
  for (let i = 0; i < losses; i++) {
    const node = lively[seeders + random.below(Math.max(1, lively.length - seeders))];
    if (node !== undefined)
      swarm.time.at(between(10, 10_000), () => node.pieces.lose(random.below(pieceCount)));
  }
  const description =
    `${wire}, ${pieceCount} pieces of ${pieceLength / 1024} KiB, ${seeders} seeders${superSeed ? ' (super)' : ''}, ` +
    `${leechers} leechers, ${gone} go, ${JSON.stringify(strangers)}, delay ${delay}, ${pieces.slots} slots, ` +
    `${cuts} cuts, ${losses} losses, ${JSON.stringify(torrent)}`;
  return { swarm, description, honest };
}
