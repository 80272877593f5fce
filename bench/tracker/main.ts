/** Trackers side by side: announces over HTTP and UDP, memory, and whether the size of a swarm costs anything. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { scoped } from '../../integration-tests/support/scope.ts';
import { describeMachine } from '../measure/machine.ts';
import { rotated } from '../measure/options.ts';
import { spreadOf } from '../measure/statistics.ts';
import { load, type Measured } from './load.ts';
import {
  aquatic,
  bittorrentTracker,
  type Frontend,
  hasAquatic,
  installRivals,
  memory,
  opentracker,
  redis,
} from './trackers.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string', default: 'rates,swarms,memory' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const parts = values.only.split(',');

/** 1,000 swarms of 50 or a few more: each answer carries 50 peers. */
const USUAL = { swarms: 1000, peersPerSwarm: 64 };
const REFERENCES: Readonly<Record<Frontend, string>> = { http: 'bittorrent-tracker', udp: 'opentracker' };

interface Rate {
  readonly tracker: string;
  readonly frontend: Frontend;
  readonly most: Measured;
  /** At half that rate. */
  readonly half: Measured;
}

await installRivals();
const withAquatic = await hasAquatic();
if (!withAquatic) console.log('aquatic_udp is not on the path: `cargo install aquatic_udp` brings it');
const rates = parts.includes('rates') ? await measureRates() : [];
const bySize = parts.includes('swarms') ? await measureSwarmSizes() : [];
const residents = parts.includes('memory') ? await measureMemory() : [];
await report();

async function measureRates(): Promise<Rate[]> {
  const found: Rate[] = [];
  for (let round = 1; round <= rounds; round++) {
    const kinds = [memory, redis, opentracker, bittorrentTracker, ...(withAquatic ? [aquatic] : [])];
    for (const kind of rotated(kinds, round)) {
      for (const frontend of kind.frontends) {
        const rate = await scoped(async (scope) => {
          const tracker = await kind.start(scope, USUAL.swarms);
          await load(tracker, frontend, { ...USUAL, until: 'everybody' });
          const most = await load(tracker, frontend, { ...USUAL, until: seconds });
          const half = await load(tracker, frontend, { ...USUAL, until: seconds, rate: most.rate / 2 });
          return { tracker: kind.name, frontend, most, half };
        });
        found.push(rate);
        console.log(`round ${round} ${kind.name} ${frontend}: ${rate.most.rate.toFixed(0)} announces/s`);
      }
    }
  }
  return found;
}

interface SwarmSize {
  readonly tracker: string;
  readonly members: number;
  readonly measured: Measured;
}

async function measureSwarmSizes(): Promise<SwarmSize[]> {
  const found: SwarmSize[] = [];
  for (const kind of [memory, redis]) {
    for (const members of [10, 1000, 100_000]) {
      const measured = await scoped(async (scope) => {
        const tracker = await kind.start(scope, 1);
        const swarm = { swarms: 1, peersPerSwarm: members };
        await load(tracker, 'udp', { ...swarm, until: 'everybody' });
        return load(tracker, 'udp', { ...swarm, until: seconds, numWant: 8 });
      });
      found.push({ tracker: kind.name, members, measured });
      console.log(`${kind.name}, ${members} members: ${measured.rate.toFixed(0)} announces/s`);
    }
  }
  return found;
}

interface Resident {
  readonly tracker: string;
  readonly megabytes: number;
  readonly peers: number;
}

async function measureMemory(): Promise<Resident[]> {
  const found: Resident[] = [];
  for (const kind of [memory, opentracker, ...(withAquatic ? [aquatic] : [])]) {
    const order = { swarms: 10_000, peersPerSwarm: 100, sockets: 10, numWant: 50 };
    const resident = await scoped(async (scope) => {
      const tracker = await kind.start(scope, order.swarms);
      const filled = await load(tracker, 'udp', { ...order, until: 'everybody' });
      await load(tracker, 'udp', { ...order, until: seconds });
      const megabytes = residentOf(tracker.process.pid) / 1e6;
      return { tracker: kind.name, megabytes, peers: filled.answers - filled.failures };
    });
    found.push(resident);
    console.log(`${kind.name}: ${resident.megabytes.toFixed(0)} MB for ${resident.peers} peers`);
  }
  return found;
}

function residentOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;
}

async function report(): Promise<void> {
  const machine = await describeMachine();
  const lines = [
    '# Trackers side by side',
    '',
    `${machine.cores} cores (${machine.processor}), ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node}.`,
    'The tracker has one core; the load, and Redis with it, has the other.',
    '',
    ...(withAquatic ? [] : ['aquatic_udp was not there to be measured.', '']),
    ...targetTable(),
    ...rateTable(),
    ...sizeTable(),
    ...memoryTable(),
  ];
  const results = new URL('../results/', import.meta.url);
  await mkdir(results, { recursive: true });
  const data = { machine, rounds, seconds, rates, bySize, residents };
  await writeFile(new URL('tracker.json', results), `${JSON.stringify(data, null, 2)}\n`);
  await writeFile(new URL('tracker.md', results), `${lines.join('\n').trimEnd()}\n`);
  console.log(lines.join('\n'));
}

/** What the project wants to reach, and where it is. */
function targetTable(): string[] {
  const of = (tracker: string, frontend: Frontend) =>
    rates.filter((rate) => rate.tracker === tracker && rate.frontend === frontend);
  const lines: [string, string, string][] = [];
  const add = (what: string, target: string, figures: readonly number[], digits: number) => {
    if (figures.length > 0) lines.push([what, target, show(figures, digits)]);
  };
  // Of one round each: what slows the machine down slows both.
  const ratios = (frontend: Frontend, figure: (rate: Measured) => number) => {
    const reference = of(REFERENCES[frontend], frontend);
    return of(memory.name, frontend).map(({ most }, i) => figure(most) / figure(reference[i]!.most));
  };
  const byRate = ({ rate }: Measured) => rate;
  const byCpu = ({ trackerCpu }: Measured) => 1 / trackerCpu;
  add('HTTP, × bittorrent-tracker', '10', ratios('http', byRate), 2);
  add('the same by the CPU of an announce', '', ratios('http', byCpu), 2);
  add('UDP, × opentracker', '0.5', ratios('udp', byRate), 2);
  add('the same by the CPU of an announce', '', ratios('udp', byCpu), 2);
  for (const frontend of ['http', 'udp'] as const)
    add(
      `announces/s over Redis, ${frontend.toUpperCase()}`,
      '15,000',
      of(redis.name, frontend).map(({ most }) => most.rate),
      0,
    );
  add(
    'MB of a million peers',
    'at most 200',
    residents.filter(({ tracker }) => tracker === memory.name).map(({ megabytes }) => megabytes),
    0,
  );
  for (const { name } of [memory, redis]) {
    const sizes = bySize.filter(({ tracker }) => tracker === name);
    const cost = ({ measured }: SwarmSize) => measured.trackerCpu + measured.storeCpu;
    if (sizes.length > 1)
      add(
        `CPU of an announce, 100,000 members : 10, ${name}`,
        'near 1',
        [cost(sizes.at(-1)!) / cost(sizes[0]!)],
        2,
      );
  }
  if (lines.length === 0) return [];
  const rows = lines.map((cells) => `| ${cells.join(' | ')} |`);
  return [
    '## Targets',
    '',
    'Of each round: min / **median** / max.',
    '',
    '| | target | measured |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ];
}

function rateTable(): string[] {
  if (rates.length === 0) return [];
  const kinds = [...new Set(rates.map(({ tracker }) => tracker))];
  return (['http', 'udp'] as const).flatMap((frontend) => {
    const of = (tracker: string) =>
      rates.filter((rate) => rate.tracker === tracker && rate.frontend === frontend);
    const median = (tracker: string) => spreadOf(of(tracker).map(({ most }) => most.rate)).median;
    const base = median(REFERENCES[frontend]);
    const shown = kinds.filter((kind) => of(kind).length > 0);
    return [
      `## ${frontend.toUpperCase()}`,
      '',
      `${USUAL.swarms} swarms of ${USUAL.peersPerSwarm}, 50 peers an answer, ${rounds} interleaved rounds of ${seconds} s. Each cell: min / **median** / max;`,
      `× is the ratio of the medians to ${REFERENCES[frontend]}. Latency is at half the highest rate. Where the load has used`,
      'its core up, it was the bound: the last column says then what the tracker could do, by the CPU that it used.',
      '',
      '| tracker | announces/s | CPU of the tracker, µs | CPU of Redis, µs | load, share of its core | p50, ms | p99, ms | one second of CPU is good for |',
      '| --- | --- | --- | --- | --- | --- | --- | --- |',
      ...shown.map((kind) => {
        const cell = (digits: number, figure: (rate: Rate) => number) => show(of(kind).map(figure), digits);
        const ratio = kind === REFERENCES[frontend] ? '' : ` (× ${(median(kind) / base).toFixed(2)})`;
        return `| ${[
          kind,
          cell(0, ({ most }) => most.rate) + ratio,
          cell(1, ({ most }) => most.trackerCpu),
          cell(1, ({ most }) => most.storeCpu),
          cell(2, ({ most }) => most.ownCpu),
          cell(2, ({ half }) => half.latency!.p50),
          cell(2, ({ half }) => half.latency!.p99),
          cell(0, ({ most }) => 1e6 / most.trackerCpu),
        ].join(' | ')} |`;
      }),
      '',
    ];
  });
}

function sizeTable(): string[] {
  if (bySize.length === 0) return [];
  return [
    '## The size of a swarm',
    '',
    'One swarm, UDP, 8 peers an answer.',
    '',
    '| tracker | members | announces/s | CPU of the tracker, µs | CPU of Redis, µs |',
    '| --- | --- | --- | --- | --- |',
    ...bySize.map(
      ({ tracker, members, measured: { rate, trackerCpu, storeCpu } }) =>
        `| ${tracker} | ${members} | ${rate.toFixed(0)} | ${trackerCpu.toFixed(1)} | ${storeCpu.toFixed(1)} |`,
    ),
    '',
  ];
}

function memoryTable(): string[] {
  if (residents.length === 0) return [];
  return [
    '## Memory',
    '',
    '10,000 swarms of 100, after they were announced over UDP and under load once more.',
    '',
    '| tracker | peers | resident, MB |',
    '| --- | --- | --- |',
    ...residents.map(
      ({ tracker, peers, megabytes }) => `| ${tracker} | ${peers} | ${megabytes.toFixed(0)} |`,
    ),
  ];
}

function show(values: readonly number[], digits: number): string {
  const { min, median, max } = spreadOf(values);
  return `${min.toFixed(digits)} / **${median.toFixed(digits)}** / ${max.toFixed(digits)}`;
}
