import { mkdir, writeFile } from 'node:fs/promises';
import { describeMachine } from '../measure/machine.ts';
import { spreadOf } from '../measure/statistics.ts';
import type { Arrival, Run } from './run.ts';

/** So many pods at once, round by round. */
export interface Row {
  readonly count: number;
  readonly http: readonly Run[];
  readonly swarm: readonly Run[];
}

export interface Table {
  /** That a sender may send, bytes a second; 0 for any. */
  readonly rate: number;
  readonly rows: readonly Row[];
}

interface Column {
  readonly heading: string;
  readonly digits: number;
  /** Undefined where there is nothing to tell of. */
  readonly of: (run: Run, size: number) => number | undefined;
}

const COLUMNS: readonly Column[] = [
  { heading: 'first piece served, the first pod, s', digits: 1, of: (run) => spread(run, served)?.min },
  { heading: 'the median pod, s', digits: 1, of: (run) => spread(run, served)?.median },
  { heading: 'complete, the median pod, s', digits: 1, of: (run) => spread(run, complete)?.median },
  { heading: 'the last pod, s', digits: 1, of: (run) => spread(run, complete)?.max },
  { heading: 'all, from when they were asked for, s', digits: 1, of: allComplete },
  { heading: 'the source sent it, times', digits: 1, of: (run, size) => run.sourceSent / size },
  { heading: 'CPU of a pod, s', digits: 2, of: (run) => spread(run, ({ cpu }) => cpu)?.median },
];

const RESULTS = new URL('../results/', import.meta.url);

/** Seconds from when the pods were asked for to when the last of them was whole. */
export function allComplete({ asked, arrivals }: Run): number {
  return (Math.max(...arrivals.map((arrival) => arrival.complete)) - asked) / 1000;
}

/** Writes `cluster.json` with every pod of every round, and `cluster.md` with the spreads over the rounds. */
export async function report(
  tables: readonly Table[],
  options: { readonly rounds: number; readonly size: number },
): Promise<void> {
  const { cores, processor, memoryGiB, kernel, node } = await describeMachine();
  const { rounds, size } = options;
  const markdown = [
    '# Pods that start at once, and want the same content',
    '',
    `${cores} cores (${processor}), ${memoryGiB} GiB, Linux ${kernel}: all machines of the cluster, the source and the pods share them. A file of ${size / 1e6} MB; ${rounds} interleaved rounds, each pod with an empty volume. Times count from the start of the pod's process, but where it says otherwise. Each cell: min / **median** / max of the rounds; × is the ratio of the medians to plain HTTP.`,
    '',
    ...tables.flatMap((one) => section(one, size)),
  ].join('\n');
  await mkdir(RESULTS, { recursive: true });
  const json = { machine: { cores, processor, memoryGiB, kernel, node }, options, tables };
  await writeFile(new URL('cluster.json', RESULTS), `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(new URL('cluster.md', RESULTS), markdown);
  console.log(markdown);
}

function section({ rate, rows }: Table, size: number): string[] {
  const heading =
    rate === 0
      ? '## As fast as the processors go'
      : `## Each sender sends ${rate / 1e6} MB/s at the most: the server, the source, and every pod that passes on`;
  return [
    heading,
    '',
    `| ${['pods', 'by', ...COLUMNS.map((column) => column.heading)].join(' | ')} |`,
    `| ${['---:', '---', ...COLUMNS.map(() => '---')].join(' | ')} |`,
    ...rows.flatMap(({ count, http, swarm }) => [
      `| ${[count, 'plain HTTP', ...COLUMNS.map((column) => cell(column, http, size))].join(' | ')} |`,
      `| ${[count, 'swarm', ...COLUMNS.map((column) => cell(column, swarm, size, http))].join(' | ')} |`,
    ]),
    '',
  ];
}

function cell(column: Column, runs: readonly Run[], size: number, beside?: readonly Run[]): string {
  const all = valuesOf(column, runs, size);
  if (all.length === 0) return '–';
  const { min, median, max } = spreadOf(all);
  const [low, middle, high] = [min, median, max].map((value) => value.toFixed(column.digits));
  const base = beside ? valuesOf(column, beside, size) : [];
  const ratio = base.length > 0 ? ` (× ${(median / spreadOf(base).median).toFixed(2)})` : '';
  return `${low} / **${middle}** / ${high}${ratio}`;
}

function valuesOf({ of }: Column, runs: readonly Run[], size: number): number[] {
  return runs.map((run) => of(run, size)).filter((value) => value !== undefined);
}

/** Over the pods of a run that have the figure. */
function spread({ arrivals }: Run, figure: (arrival: Arrival) => number | undefined) {
  const values = arrivals.map(figure).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : spreadOf(values);
}

function served({ started, served: at }: Arrival): number | undefined {
  return at === undefined ? undefined : (at - started) / 1000;
}

function complete({ started, complete: at }: Arrival): number {
  return (at - started) / 1000;
}
