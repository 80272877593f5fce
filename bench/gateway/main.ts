/** Reading through a node's gateway beside nginx: a range that is not there yet, and a file that is. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Placement } from '@pixtorrent/cluster';
import { SeededRandom } from '@pixtorrent/core';
import { choosePieceLength } from '@pixtorrent/metainfo';
import { writeFileOf } from '../../integration-tests/support/content.ts';
import type { Host } from '../../integration-tests/support/namespaces.ts';
import { run } from '../../integration-tests/support/processes.ts';
import { scoped } from '../../integration-tests/support/scope.ts';
import { costOf } from '../measure/cost.ts';
import { describeMachine } from '../measure/machine.ts';
import { spreadOf } from '../measure/statistics.ts';
import { type Fetched, fetchByCurl } from './curl.ts';
import { nginxVersion } from './nginx.ts';
import { FILE, openStage, SOURCE, type Stage, startReader, urlOf } from './stage.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    size: { type: 'string', default: '1000000000' },
    'piece-length': { type: 'string', default: String(choosePieceLength(1e9, 'reading')) },
    uplink: { type: 'string', default: '160000000' },
    only: { type: 'string', default: 'network,loopback,whole' },
  },
});
const rounds = Number(values.rounds);
const size = Number(values.size);
const uplink = Number(values.uplink);
const pieceLength = Number(values['piece-length']);
const parts = values.only.split(',');
/** Bytes of a range. */
const RANGE = 2 ** 20;
/** Ranges that each reads in a round, while a node downloads. */
const PAIRS = 8;
/** As the settings have it: a download that does not take all that the processors can. */
const LOOPBACK_RATE = '143MiB';

interface Read extends Fetched {
  /** Seconds of the server's CPU. */
  readonly cpu: number;
}

interface Reads {
  readonly reader: string;
  readonly rounds: readonly Read[];
}

interface Table {
  readonly title: string;
  /** What is compared first: where the range is read, and by which of the readers. */
  readonly compared?: readonly (readonly [situation: string, reader: string])[];
  readonly columns: readonly Column[];
  /** The first is what the others are compared with. */
  readonly reads: readonly Reads[];
}

type Column = readonly [heading: string, digits: number, of: (read: Read) => number];

const NGINX = 'nginx at the source';
const SOURCE_NODE = 'the gateway of the source';
const FRESH = 'a node that has nothing';
const SAME = 'the same, from then on';
const LOADED = 'a node that has begun to get all of it';

const FIRST: readonly Column[] = [
  ['first byte, ms', 1, ({ first }) => first],
  ['all of it, ms', 1, ({ whole }) => whole],
];
const RATE: readonly Column[] = [
  ['throughput, MB/s', 0, ({ size: bytes, whole }) => bytes / 1e3 / whole],
  ['CPU, s/GB', 2, ({ cpu, size: bytes }) => (cpu / bytes) * 1e9],
];
const NAME = heldBySource();
const EVERYWHERE = 'bench/everywhere';
const random = new SeededRandom(1);
const tables: Table[] = [];

await scoped(async (scope) => {
  const folder = await scope.folder();
  await writeFileOf(join(folder, FILE), 'gateway', size);
  if (parts.includes('network'))
    await scoped(async (inner) => {
      const stage = await openStage(inner, folder, pieceLength, uplink);
      const link = `a link of ${uplink / 1e6} Mbit/s`;
      await stage.ingest(NAME, 1);
      const before = await idle(stage, link);
      await stage.ingest(EVERYWHERE, 0);
      tables.push(await loaded(stage, link), before);
    });
  if (parts.includes('whole') || parts.includes('loopback'))
    await scoped(async (inner) => {
      const stage = await openStage(inner, folder, pieceLength);
      await stage.ingest(NAME, 1);
      if (parts.includes('whole'))
        tables.push({
          title: 'all of the file, over loopback',
          columns: RATE,
          reads: await readWhole(stage),
        });
      if (!parts.includes('loopback')) return;
      const before = await idle(stage, 'loopback');
      await stage.ingest(EVERYWHERE, 0);
      const limit = { PEER_DOWNLOAD_RATE: LOOPBACK_RATE };
      tables.push(await loaded(stage, `loopback, ${LOOPBACK_RATE} a second`, limit), before);
    });
});
await report();

async function idle(stage: Stage, line: string): Promise<Table> {
  return {
    title: `a random MiB, over ${line}`,
    compared: [
      [`${line}, idle: the first read`, FRESH],
      [`${line}, idle: from then on`, SAME],
    ],
    columns: FIRST,
    reads: await readRanges(stage),
  };
}

async function loaded(
  stage: Stage,
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Table> {
  return {
    title: `a random MiB while all of it comes over ${line}`,
    compared: [[`${line}, while all of it comes`, LOADED]],
    columns: FIRST,
    reads: await readWhileDownloading(stage, env),
  };
}

/** All of a file that is there. */
async function readWhole({ source, sourceHost, nginx }: Stage): Promise<Reads[]> {
  const servers = [
    { reader: 'nginx', url: `${nginx.url}/${FILE}`, pid: nginx.pid, rounds: [] as Read[] },
    {
      reader: 'peer-node',
      url: urlOf(sourceHost, source, NAME),
      pid: source.process.pid,
      rounds: [] as Read[],
    },
  ];
  for (let round = 1; round <= rounds; round++) {
    for (const { reader, url, pid, rounds: reads } of round % 2 === 0 ? servers : servers.toReversed()) {
      reads.push(await timed(`round ${round} ${reader}`, sourceHost, pid, url));
    }
  }
  return servers.map(({ reader, rounds: reads }) => ({ reader, rounds: reads }));
}

/** Ranges that nobody has read: from the source by nginx, by a node that has nothing, and by one that has some. */
async function readRanges(stage: Stage): Promise<Reads[]> {
  const [plain, gateway, fresh, open]: [Read[], Read[], Read[], Read[]] = [[], [], [], []];
  const { nginx, readerHost, source } = stage;
  const sourceUrl = urlOf(stage.sourceHost, source, NAME);
  const plainUrl = `${nginx.url}/${FILE}`;
  for (let round = 1; round <= rounds; round++) {
    await scoped(async (scope) => {
      const node = await startReader(scope, stage, readerName(round), NAME);
      const url = urlOf(readerHost, node, NAME);
      await run(['sync']);
      const { pid } = node.process;
      plain.push(await timed(`round ${round} nginx`, readerHost, nginx.pid, plainUrl, anywhere()));
      gateway.push(
        await timed(`round ${round} source`, readerHost, source.process.pid, sourceUrl, anywhere()),
      );
      fresh.push(await timed(`round ${round} node`, readerHost, pid, url, anywhere()));
      open.push(await timed(`round ${round} same`, readerHost, pid, url, anywhere()));
      plain.push(await timed(`round ${round} nginx`, readerHost, nginx.pid, plainUrl, anywhere()));
      open.push(await timed(`round ${round} same`, readerHost, pid, url, anywhere()));
    });
  }
  return [
    { reader: NGINX, rounds: plain },
    { reader: SOURCE_NODE, rounds: gateway },
    { reader: FRESH, rounds: fresh },
    { reader: SAME, rounds: open },
  ];
}

/** As before, from a node that has only begun to get all of it, which the same link and processors have to carry. */
async function readWhileDownloading(
  stage: Stage,
  env: Readonly<Record<string, string>> = {},
): Promise<Reads[]> {
  const [plain, source, gateway]: [Read[], Read[], Read[]] = [[], [], []];
  const { nginx, readerHost: host } = stage;
  for (let round = 1; round <= rounds; round++) {
    await scoped(async (scope) => {
      const node = await startReader(scope, stage, readerName(round), EVERYWHERE, env);
      await node.process.line('start', (line) => line.includes('"takes"'), 30);
      const sourceUrl = urlOf(stage.sourceHost, stage.source, EVERYWHERE);
      for (let pair = 0; pair < PAIRS; pair++) {
        const [own, other] = [node.process.pid, stage.source.process.pid];
        gateway.push(
          await timed(`round ${round} node`, host, own, urlOf(host, node, EVERYWHERE), anywhere()),
        );
        plain.push(await timed(`round ${round} nginx`, host, nginx.pid, `${nginx.url}/${FILE}`, anywhere()));
        source.push(await timed(`round ${round} source`, host, other, sourceUrl, anywhere()));
      }
    });
  }
  return [
    { reader: NGINX, rounds: plain },
    { reader: SOURCE_NODE, rounds: source },
    { reader: LOADED, rounds: gateway },
  ];
}

async function timed(what: string, host: Host, pid: number, url: string, range?: string): Promise<Read> {
  const before = costOf(pid).cpu;
  const fetched = await fetchByCurl(host, url, range);
  console.log(`${what}: first ${fetched.first.toFixed(1)} ms, whole ${fetched.whole.toFixed(1)} ms`);
  return { ...fetched, cpu: costOf(pid).cpu - before };
}

function anywhere(): string {
  const start = random.below(size - RANGE);
  return `${start}-${start + RANGE - 1}`;
}

/** A name of which the source is the one holder, whichever of the nodes that read are there. */
function heldBySource(): string {
  const names = Array.from({ length: rounds }, (_, at) => readerName(at + 1));
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

function readerName(round: number): string {
  return `reader-${round}`;
}

async function report(): Promise<void> {
  const { cores, processor, memoryGiB, kernel, node } = await describeMachine();
  const nginx = await nginxVersion();
  const about = `${cores} cores (${processor}), ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, ${nginx}. One file of ${size / 1e6} MB in pieces of ${pieceLength / 2 ** 10} KiB, read by curl with a connection of its own; ${rounds} interleaved rounds. Each cell: min / **median** / max; × is the ratio of the medians to nginx.`;
  const title = '# Reading through the gateway of a node';
  const markdown = [title, '', about, '', ...comparison(), ...tables.flatMap(table)].join('\n');
  const results = new URL('../results/', import.meta.url);
  await mkdir(results, { recursive: true });
  const options = { rounds, size, pieceLength, range: RANGE, uplink };
  const json = { machine: { cores, processor, memoryGiB, kernel, node, nginx }, options, tables };
  await writeFile(new URL('gateway.json', results), `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(new URL('gateway.md', results), markdown);
  console.log(markdown);
}

/** What the issue asks for: each reader has the same line, and what else is on it. */
function comparison(): string[] {
  const rows = tables.flatMap(({ compared, reads }) => {
    if (compared === undefined) return [];
    const at = (reader: string) =>
      spreadOf(reads.find((one) => one.reader === reader)!.rounds.map(({ first }) => first));
    const [nginx, source] = [at(NGINX), at(SOURCE_NODE)];
    return compared.map(([situation, reader]) => {
      const node = at(reader);
      const cells = [nginx, source, node].map(
        ({ min, median, max }) => `${min.toFixed(1)} / **${median.toFixed(1)}** / ${max.toFixed(1)}`,
      );
      const times = [nginx, source].map(({ median }) => (node.median / median).toFixed(2));
      return `| ${[situation, ...cells, ...times].join(' | ')} |`;
    });
  });
  if (rows.length === 0) return [];
  return [
    'Milliseconds to the first byte of a random MiB, through the gateway of a node that has nothing, and by plain HTTP from the source:',
    '',
    '| line | nginx at the source | the gateway of the source | the node | × nginx | × gateway |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ];
}

function table({ title, columns, reads }: Table): string[] {
  const rows = reads.map(({ reader, rounds: all }, at) => {
    const cells = columns.map(([, digits, of]) => {
      const { min, median, max } = spreadOf(all.map(of));
      const ratio = median / spreadOf(reads[0]!.rounds.map(of)).median;
      const shown = `${min.toFixed(digits)} / **${median.toFixed(digits)}** / ${max.toFixed(digits)}`;
      return at === 0 ? shown : `${shown} (× ${ratio.toFixed(2)})`;
    });
    return `| ${[reader, ...cells].join(' | ')} |`;
  });
  return [
    `| ${[title, ...columns.map(([heading]) => heading)].join(' | ')} |`,
    `| --- | ${columns.map(() => '---').join(' | ')} |`,
    ...rows,
    '',
  ];
}
