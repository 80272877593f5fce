import { mkdir, writeFile } from 'node:fs/promises';
import { describeMachine, type Machine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** One column: how a figure is taken from a round, named and shown. */
export interface Figure<Round> {
  readonly name: string;
  readonly unit: string;
  readonly digits: number;
  of(round: Round): number;
}

export interface Result<Round> {
  readonly client: string;
  readonly rounds: readonly Round[];
}

const RESULTS = new URL('../results/', import.meta.url);

/** Writes `<name>.json` with every round, and `<name>.md` with the spreads and the ratios to a reference client. */
export async function report<Round>(
  name: string,
  title: string,
  options: BenchOptions,
  figures: readonly Figure<Round>[],
  results: readonly Result<Round>[],
  reference: string,
): Promise<string> {
  const machine = await describeMachine();
  const markdown = [
    `# ${title}`,
    '',
    describeSetting(machine, options),
    '',
    ...table(figures, results, reference),
    '',
  ].join('\n');
  await mkdir(RESULTS, { recursive: true });
  await writeFile(
    new URL(`${name}.json`, RESULTS),
    `${JSON.stringify({ machine, options, results }, null, 2)}\n`,
  );
  await writeFile(new URL(`${name}.md`, RESULTS), markdown);
  return markdown;
}

function table<Round>(
  figures: readonly Figure<Round>[],
  results: readonly Result<Round>[],
  reference: string,
): string[] {
  const baseline = results.find((result) => result.client === reference);
  const rows = results.map((result) => {
    const cells = figures.map((figure) => {
      const spread = spreadOf(result.rounds.map(figure.of));
      const base = baseline && spreadOf(baseline.rounds.map(figure.of)).median;
      const ratio = base && result !== baseline ? ` (× ${(spread.median / base).toFixed(2)})` : '';
      return `${show(spread, figure.digits)}${ratio}`;
    });
    return `| ${[result.client, ...cells].join(' | ')} |`;
  });
  const ratios = baseline
    ? [`Each cell: min / **median** / max; × is the ratio of the medians to ${reference}.`, '']
    : [];
  return [
    ...ratios,
    `| client | ${figures.map((figure) => (figure.unit ? `${figure.name}, ${figure.unit}` : figure.name)).join(' | ')} |`,
    `| --- | ${figures.map(() => '---').join(' | ')} |`,
    ...rows,
  ];
}

function show({ min, median, max }: Spread, digits: number): string {
  return `${min.toFixed(digits)} / **${median.toFixed(digits)}** / ${max.toFixed(digits)}`;
}

function describeSetting(machine: Machine, options: BenchOptions): string {
  return [
    `${machine.cores} cores (${machine.processor}), ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node},`,
    `libtorrent ${machine.libtorrent}, aria2 ${machine.aria2}. ${options.size / 2 ** 20} MiB in pieces of`,
    `${options.pieceLength / 2 ** 10} KiB, ${options.rounds} interleaved rounds.`,
  ].join(' ');
}
