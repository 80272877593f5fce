import { join } from 'node:path';
import { digestTree, writeFileOf } from '../../integration-tests/support/content.ts';
import { type Scope, scoped } from '../../integration-tests/support/scope.ts';
import { CONTENDERS, type Contender } from './contenders.ts';
import { type BenchOptions, rotated } from './options.ts';
import { type Figure, report } from './report.ts';

/** One client at work on the content in `folder`; the `digests` of what it delivers have to be these. */
export type Work<Round> = (
  scope: Scope,
  contender: Contender,
  folder: string,
  digests: string,
  options: BenchOptions,
) => Promise<Round>;

/** Makes the content, has every client do the work in each round, and reports beside libtorrent. */
export async function measure<Round>(
  name: string,
  title: string,
  options: BenchOptions,
  figures: readonly Figure<Round>[],
  work: Work<Round>,
): Promise<void> {
  await scoped(async (scope) => {
    const folder = await scope.folder();
    await writeFileOf(join(folder, 'content.bin'), name, options.size);
    const digests = JSON.stringify(await digestTree(folder));
    const rounds = new Map<string, Round[]>(options.clients.map((client) => [client, []]));
    for (let number = 1; number <= options.rounds; number++) {
      for (const client of rotated(options.clients, number)) {
        const round = await scoped((inner) => work(inner, CONTENDERS[client]!, folder, digests, options));
        rounds.get(client)!.push(round);
        const shown = figures.map(
          (figure) => `${figure.name} ${figure.of(round).toFixed(figure.digits)} ${figure.unit}`,
        );
        console.log(`round ${number} ${client}: ${shown.join(', ')}`);
      }
    }
    const results = [...rounds].map(([client, list]) => ({ client, rounds: list }));
    console.log(await report(name, title, options, figures, results, 'libtorrent'));
  });
}
