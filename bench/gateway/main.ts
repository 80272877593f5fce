/** Reading through a node's gateway beside nginx: a range that is not there yet, and a file that is. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Placement } from '@pixtorrent/cluster';
import { SeededRandom } from '@pixtorrent/core';
import { publish, whenNamed } from '../../integration-tests/gateway/published.ts';
import { writeFileOf } from '../../integration-tests/support/content.ts';
import { type PeerNodeProcess, startPeerNode } from '../../integration-tests/support/peer-node.ts';
import { run, until } from '../../integration-tests/support/processes.ts';
import { scoped } from '../../integration-tests/support/scope.ts';
import { startTrackerService, type TrackerService } from '../../integration-tests/support/tracker-service.ts';
import { costOf } from '../measure/cost.ts';
import { describeMachine } from '../measure/machine.ts';
import { spreadOf } from '../measure/statistics.ts';
import { type Fetched, fetchByCurl } from './curl.ts';
import { type Nginx, nginxVersion, startNginx } from './nginx.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    size: { type: 'string', default: '1000000000' },
    only: { type: 'string', default: 'ranges,whole' },
  },
});
const rounds = Number(values.rounds);
const size = Number(values.size);
const parts = values.only.split(',');
const SOURCE = 'source';
/** Bytes of a range. */
const RANGE = 2 ** 20;

interface Reads {
  readonly reader: string;
  readonly rounds: readonly Read[];
}

interface Read extends Fetched {
  /** Seconds of the server's CPU. */
  readonly cpu: number;
}

const NAME = heldBySource();
const ranges: Reads[] = [];
const whole: Reads[] = [];

await scoped(async (scope) => {
  const folder = await scope.folder();
  const file = join(folder, 'content.bin');
  await writeFileOf(file, 'gateway', size);
  const tracker = await startTrackerService(scope);
  const source = await startPeerNode(scope, { tracker, name: SOURCE });
  await scoped(async (inner) => {
    await publish(inner, tracker, { name: NAME, path: file, replicas: 1 });
    await whenWhole(source);
  });
  const started = await startNginx(scope, folder);
  const nginx = { ...started, url: `${started.url}/content.bin` };
  if (parts.includes('ranges')) ranges.push(...(await measureRanges(tracker, nginx)));
  if (parts.includes('whole')) whole.push(...(await measureWhole(source, nginx)));
});
await report();

/** Ranges that nobody has read: from the source by nginx, by a node that has nothing, and by one that has some. */
async function measureRanges(tracker: TrackerService, nginx: Nginx): Promise<Reads[]> {
  const random = new SeededRandom(1);
  const anywhere = (): string => {
    const start = random.below(size - RANGE);
    return `${start}-${start + RANGE - 1}`;
  };
  const plain: Read[] = [];
  const fresh: Read[] = [];
  const open: Read[] = [];
  for (let round = 1; round <= rounds; round++) {
    await scoped(async (inner) => {
      const node = await startPeerNode(inner, { tracker, name: reader(round) });
      await whenNamed(node, NAME);
      await run(['sync']);
      for (const [reads, pid, url] of [
        [plain, nginx.pid, nginx.url],
        [fresh, node.process.pid, urlOf(node)],
        [open, node.process.pid, urlOf(node)],
        [plain, nginx.pid, nginx.url],
        [open, node.process.pid, urlOf(node)],
      ] as const) {
        const read = await timed(pid, url, anywhere());
        reads.push(read);
        console.log(
          `round ${round} ${url}: first ${read.first.toFixed(1)} ms, whole ${read.whole.toFixed(1)} ms`,
        );
      }
    });
  }
  return [
    { reader: 'nginx at the source', rounds: plain },
    { reader: 'a node that has nothing', rounds: fresh },
    { reader: 'the same, from then on', rounds: open },
  ];
}

/** All of a file that is there. */
async function measureWhole(node: PeerNodeProcess, nginx: Nginx): Promise<Reads[]> {
  const servers = [
    { reader: 'nginx', url: nginx.url, pid: nginx.pid, rounds: [] as Read[] },
    { reader: 'peer-node', url: urlOf(node), pid: node.process.pid, rounds: [] as Read[] },
  ];
  for (let round = 1; round <= rounds; round++) {
    for (const { reader, url, pid, rounds: reads } of round % 2 === 0 ? servers : servers.toReversed()) {
      const read = await timed(pid, url);
      reads.push(read);
      const rate = read.size / 1e3 / read.whole;
      console.log(`round ${round} ${reader}: ${rate.toFixed(0)} MB/s, CPU ${read.cpu.toFixed(2)} s`);
    }
  }
  return servers.map(({ reader, rounds: reads }) => ({ reader, rounds: reads }));
}

async function timed(pid: number, url: string, range?: string): Promise<Read> {
  const before = costOf(pid).cpu;
  const fetched = await fetchByCurl(url, range);
  return { ...fetched, cpu: costOf(pid).cpu - before };
}

function urlOf({ http }: PeerNodeProcess): string {
  return `http://127.0.0.1:${http}/v1/content/${NAME}`;
}

/** The link by its name shows that all of it is there. */
async function whenWhole({ dir, process }: PeerNodeProcess): Promise<void> {
  const link = join(dir, 'by-name', NAME.replace('/', '+'));
  await until(
    120,
    () => (existsSync(link) ? true : undefined),
    () => process.failure('does not get the content'),
  );
}

/** A name of which the source is the one holder, whichever of the nodes that read are there. */
function heldBySource(): string {
  const names = Array.from({ length: rounds }, (_, at) => reader(at + 1));
  for (let i = 0; ; i++) {
    const name = `bench/content-${i}`;
    const holds = (other: string): boolean => {
      const nodes = [SOURCE, other].map(
        (node) => ({ name: node, state: 'ready', zone: '', diskUsed: 0 }) as const,
      );
      return new Placement(nodes).shouldHold(name, 1, SOURCE);
    };
    if (names.every(holds)) return name;
  }
}

function reader(round: number): string {
  return `reader-${round}`;
}

async function report(): Promise<void> {
  const { cores, processor, memoryGiB, kernel, node } = await describeMachine();
  const nginx = await nginxVersion();
  const about = `${cores} cores (${processor}), ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, ${nginx}. One file of ${size / 1e6} MB, over loopback, by curl with a connection of its own; ${rounds} interleaved rounds. Each cell: min / **median** / max; × is the ratio of the medians to nginx.`;
  const markdown = [
    '# Reading through the gateway of a node',
    '',
    about,
    '',
    ...table(`a random range of ${RANGE / 2 ** 10} KiB`, ranges, [
      ['first byte, ms', 1, ({ first }) => first],
      ['all of it, ms', 1, (read) => read.whole],
    ]),
    ...table('all of the file, which is there', whole, [
      ['throughput, MB/s', 0, (read) => read.size / 1e3 / read.whole],
      ['CPU, s/GB', 2, ({ cpu, size: bytes }) => (cpu / bytes) * 1e9],
    ]),
  ].join('\n');
  const results = new URL('../results/', import.meta.url);
  await mkdir(results, { recursive: true });
  const options = { rounds, size, range: RANGE };
  const json = { machine: { cores, processor, memoryGiB, kernel, node, nginx }, options, ranges, whole };
  await writeFile(new URL('gateway.json', results), `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(new URL('gateway.md', results), markdown);
  console.log(markdown);
}

type Column = readonly [heading: string, digits: number, of: (read: Read) => number];

function table(title: string, all: readonly Reads[], columns: readonly Column[]): string[] {
  if (all.length === 0) return [];
  const rows = all.map((reads, at) => {
    const cells = columns.map(([, digits, of]) => {
      const { min, median, max } = spreadOf(reads.rounds.map(of));
      const ratio = median / spreadOf(all[0]!.rounds.map(of)).median;
      const shown = `${min.toFixed(digits)} / **${median.toFixed(digits)}** / ${max.toFixed(digits)}`;
      return at === 0 ? shown : `${shown} (× ${ratio.toFixed(2)})`;
    });
    return `| ${[reads.reader, ...cells].join(' | ')} |`;
  });
  return [
    `| ${[title, ...columns.map(([heading]) => heading)].join(' | ')} |`,
    `| --- | ${columns.map(() => '---').join(' | ')} |`,
    ...rows,
    '',
  ];
}
