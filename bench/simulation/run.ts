/*
 * One swarm in virtual time, and how close it came to what its lines allow:
 *
 *     node --conditions=@pixtorrent/source bench/simulation/run.ts --leechers 16 --pieces 512 --rate 20MB --seed 1
 */
import { parseArgs } from 'node:util';
import type { WireName } from '@pixtorrent/peer-protocol';
import { SimulatedSwarm, type SwarmReport, shapeOf } from '@pixtorrent/testkit';

const { values } = parseArgs({
  options: {
    leechers: { type: 'string', default: '16' },
    seeders: { type: 'string', default: '1' },
    pieces: { type: 'string', default: '512' },
    'piece-length': { type: 'string', default: '256KiB' },
    rate: { type: 'string', default: '20MB' },
    'seeder-rate': { type: 'string' },
    downlink: { type: 'string' },
    delay: { type: 'string', default: '0.1' },
    spread: { type: 'string', default: '0' },
    known: { type: 'string', default: '50' },
    wire: { type: 'string', default: 'pixwire' },
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    slow: { type: 'string', default: '0' },
    liars: { type: 'string', default: '0' },
    silent: { type: 'string', default: '0' },
    kill: { type: 'string', default: '0' },
    deadline: { type: 'string', default: '3600' },
    tuning: { type: 'string', default: '{}' },
    nodes: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(`--leechers, --seeders  how many                        --pieces, --piece-length  the content
--rate, --downlink     of each leecher per second (20MB, 1GiB, Infinity); the downlink is the rate's by default
--seeder-rate          as --rate by default            --delay   one way, ms
--spread               leechers join over so many ms   --known   peers in an announce
--wire                 pixwire or bep3                 --seed, --runs   first seed, and how many seeds
--slow                 leechers with a tenth of the rate; each is compared with its own ideal
--liars, --silent      besides the leechers: who send wrong blocks, who answer nothing
--kill                 leechers killed when half of the ideal time has passed
--tuning               JSON over the engine's tuning   --nodes   a line for each node`);
  process.exit();
}

const leechers = whole(values.leechers);
const shape = shapeOf(whole(values.pieces), bytes(values['piece-length']));
const rate = bytes(values.rate);
const downlink = values.downlink === undefined ? rate : bytes(values.downlink);
const seederRate = values['seeder-rate'] === undefined ? rate : bytes(values['seeder-rate']);
const tuning = JSON.parse(values.tuning);
const ideal = idealFor(downlink);

console.log(
  'seed  last/ideal  median/ideal  first/ideal  amplification  duplicates  bans  unfinished  virtual s  events  wall s  trace',
);
for (let run = 0; run < whole(values.runs); run++) {
  const seed = whole(values.seed) + run;
  const start = performance.now();
  const report = simulate(seed);
  printRun(seed, report, (performance.now() - start) / 1000);
}

function simulate(seed: number): SwarmReport {
  const swarm = new SimulatedSwarm({
    seed,
    shape,
    wire: values.wire as WireName,
    network: { delay: Number(values.delay) },
    peersKnown: whole(values.known),
  });
  const torrent = { tuning };
  swarm.addSeeders(whole(values.seeders), { uplink: seederRate, downlink, torrent });
  for (let i = 0; i < whole(values.liars); i++) {
    swarm.add({ have: 'all', uplink: rate, downlink, torrent, pieces: { corrupts: () => true } });
  }
  for (let i = 0; i < whole(values.silent); i++) {
    swarm.add({ behaviour: 'silent', have: 'all', uplink: rate, downlink });
  }
  swarm.addLeechers(leechers, (number) => {
    const factor = number < whole(values.slow) ? 0.1 : 1;
    const killed = number >= leechers - whole(values.kill);
    return {
      uplink: rate * factor,
      downlink: downlink * factor,
      torrent,
      joinAt: (Number(values.spread) * number) / leechers,
      ...(killed && { killAt: ideal / 2 }),
    };
  });
  return swarm.run({ deadline: Number(values.deadline) * 1000 });
}

function printRun(seed: number, report: SwarmReport, wall: number): void {
  const ratios = report.nodes
    .flatMap((node) =>
      node.leecher && node.finished !== undefined ? [node.finished / idealFor(node.downlink)] : [],
    )
    .sort((a, b) => a - b);
  const columns = [
    String(seed).padEnd(4),
    (ratios.at(-1) ?? Number.NaN).toFixed(3).padStart(10),
    (ratios[ratios.length >> 1] ?? Number.NaN).toFixed(3).padStart(12),
    (ratios[0] ?? Number.NaN).toFixed(3).padStart(11),
    report.seederAmplification.toFixed(3).padStart(13),
    `${(report.duplicateRatio * 100).toFixed(3)}%`.padStart(10),
    String(report.bans).padStart(4),
    String(report.unfinished).padStart(10),
    (report.time / 1000).toFixed(2).padStart(9),
    `${(report.events / 1e6).toFixed(2)}M`.padStart(6),
    wall.toFixed(2).padStart(6),
    report.trace.slice(0, 12),
  ];
  console.log(columns.join('  '));
  if (!values.nodes) return;
  for (const node of report.nodes) {
    const finished = node.finished === undefined ? '-' : (node.finished / ideal).toFixed(3);
    const sent = (node.payloadSent / report.contentLength).toFixed(3);
    const received = (node.payloadReceived / report.contentLength).toFixed(3);
    console.log(
      `  ${node.name.padEnd(12)} finished ${finished.padStart(6)}  sent ${sent}  received ${received}` +
        `  dropped ${node.payloadDropped}  wasted ${node.wasted}  failed ${node.failedPieces}` +
        `  most pieces in memory ${node.peakPieces}  bans ${node.bans.map((ban) => `${ban.key} ${ban.cause}`).join(', ')}`,
    );
  }
}

/** Milliseconds that a leecher needs at least: its own line, or that of the seeders, is never wider. */
function idealFor(line: number): number {
  return (shape.length / Math.min(line, seederRate * whole(values.seeders))) * 1000;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a whole number: ${text}`);
  return value;
}

function bytes(text: string): number {
  const match = /^([\d.]+|Infinity)(?:([kKMG])(i?)B)?$/.exec(text);
  if (match === null) throw new RangeError(`not an amount of bytes: ${text}`);
  const power = match[2] === undefined ? 0 : 'kMG'.indexOf(match[2].replace('K', 'k')) + 1;
  return Number(match[1]) * (match[3] === 'i' ? 1024 : 1000) ** power;
}
