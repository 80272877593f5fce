/** Pods that start at once and want the same content: nodes of a release, and plain HTTP from one server. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { digestTree, writeFileOf } from '../../integration-tests/support/content.ts';
import { Namespace } from '../../integration-tests/support/kubernetes.ts';
import { type Scope, scoped } from '../../integration-tests/support/scope.ts';
import { PlainHttp } from './plain-http.ts';
import { allComplete, type Row, report, type Table } from './report.ts';
import type { Run } from './run.ts';
import { Swarm } from './swarm.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    size: { type: 'string', default: '256000000' },
    replicas: { type: 'string', default: '3,8,16' },
    /** Bytes a second that a sender may send, in each table; 0 for any number. */
    rates: { type: 'string', default: '0,125000000' },
  },
});
const rounds = Number(values.rounds);
const size = Number(values.size);
const replicas = values.replicas.split(',').map(Number);
const rates = values.rates.split(',').map(Number);
const NAME = 'content';

await scoped(async (scope) => {
  const folder = await scope.folder();
  const file = join(folder, `${NAME}.bin`);
  await writeFileOf(file, NAME, size);
  const [digest] = Object.values(await digestTree(folder));
  const tables: Table[] = [];
  for (const rate of rates)
    tables.push({ rate, rows: await scoped((inner) => measure(inner, file, digest!, rate)) });
  await report(tables, { rounds, size });
});

/** Every number of pods in each round, by HTTP and in the swarm in turn. */
async function measure(scope: Scope, file: string, digest: string, rate: number): Promise<Row[]> {
  const namespace = await Namespace.create(scope, 'pix-bench');
  const http = await PlainHttp.start(namespace, NAME, size, rate);
  const swarm = await Swarm.install(scope, namespace, file, size, rate);
  const rows = replicas.map((count) => ({ count, http: [] as Run[], swarm: [] as Run[] }));
  for (let round = 1; round <= rounds; round++) {
    for (const row of rows) {
      const contenders = [
        { name: 'plain HTTP', contender: http, runs: row.http },
        { name: 'swarm', contender: swarm, runs: row.swarm },
      ];
      for (const { name, contender, runs } of round % 2 === 1 ? contenders : contenders.toReversed()) {
        const run = await contender.run(row.count);
        if (run.arrivals.some((arrival) => arrival.digest !== digest))
          throw new Error(`${name} brought other bytes`);
        runs.push(run);
        const seconds = allComplete(run).toFixed(1);
        console.log(
          `round ${round}, ${row.count} pods, ${name}: whole ${seconds} s after they were asked for`,
        );
      }
    }
  }
  return rows;
}
