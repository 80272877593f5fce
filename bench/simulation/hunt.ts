/*
 * Random swarms with everything that may go wrong, one after the other, until one breaks a rule:
 *
 *     node --conditions=@pixtorrent/source bench/simulation/hunt.ts --from 1 --runs 200
 */
import { parseArgs } from 'node:util';
import { complaints, randomScenario } from '@pixtorrent/testkit';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    runs: { type: 'string', default: '100' },
    verbose: { type: 'boolean', default: false },
  },
});
const first = Number(values.from);
let broken = 0;
for (let seed = first; seed < first + Number(values.runs); seed++) {
  const scenario = randomScenario(seed);
  const found: string[] = [];
  let took = Number.NaN;
  try {
    took = scenario.swarm.run({ deadline: 1_800_000, events: 20_000_000 }).time / 1000;
    scenario.swarm.time.run({ until: scenario.swarm.time.now() + 5000 });
    found.push(...complaints(scenario));
  } catch (error) {
    found.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  if (found.length > 0) broken++;
  if (found.length > 0 || values.verbose) {
    console.log(`${seed}  ${took.toFixed(1)} s  ${scenario.description}`);
    for (const line of found.slice(0, 6)) console.log(`    ${line}`);
  }
}
console.log(`${broken} of ${values.runs} broke a rule`);
process.exitCode = broken > 0 ? 1 : 0;
