/** What the metrics service takes for a large cluster: CPU, memory, and how long a scrape waits. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type MetricsService, startMetricsService } from '../../integration-tests/support/metrics-service.ts';
import { Process } from '../../integration-tests/support/processes.ts';
import { scoped } from '../../integration-tests/support/scope.ts';
import { costOf } from '../measure/cost.ts';
import { describeMachine } from '../measure/machine.ts';
import type { Simulation } from './simulated-node.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '500' },
    swarms: { type: 'string', default: '50' },
    pieces: { type: 'string', default: '5000' },
    gets: { type: 'string', default: '100' },
    scrapes: { type: 'string', default: '40' },
  },
});
const rollOut: Simulation = {
  nodes: Number(values.nodes),
  swarms: Number(values.swarms),
  pieces: Number(values.pieces),
  gets: Number(values.gets),
};
const SCRAPES = Number(values.scrapes);
/** Milliseconds between two scrapes, more often than Prometheus comes; and until the service is compiled. */
const PERIOD = 2000;
const WARM_UP = 20_000;
/** What Node makes of a container of 640 MiB, as the chart has it: elsewhere it lets its heap grow with the machine. */
const HEAP = '--max-old-space-size=320';
const NODES = fileURLToPath(new URL('./nodes.ts', import.meta.url));

interface Measured {
  readonly what: string;
  /** Share of one core, scrapes included; and that of who plays the nodes. */
  readonly cpu: number;
  readonly load: number;
  readonly reportsPerSecond: number;
  /** Bytes of memory at the end, and the most since the start. */
  readonly resident: number;
  readonly peak: number;
  /** Milliseconds each, in the order in which they were made; and bytes of the last. */
  readonly scrapes: readonly number[];
  readonly bytes: number;
}

const measured = [
  await measure('a roll-out to all nodes', rollOut),
  await measure('nothing moves', { ...rollOut, gets: 0 }),
];
await report();

async function measure(what: string, simulation: Simulation): Promise<Measured> {
  return scoped(async (scope) => {
    const service = await startMetricsService(scope, undefined, { NODE_OPTIONS: HEAP });
    const command = [process.execPath, NODES, `127.0.0.1:${service.grpc}`, JSON.stringify(simulation)];
    const load = await Process.start(scope, 'nodes', command);
    await load.line('reports', (line) => line === 'all report', 60);
    await pause(WARM_UP);
    await scrape(service);
    const now = () => ({
      at: performance.now(),
      service: costOf(service.process.pid).cpu,
      load: costOf(load.pid).cpu,
    });
    const before = now();
    const reports = (await scrape(service)).reports;
    const scrapes: number[] = [];
    let last = { took: 0, bytes: 0, reports };
    for (let n = 1; n <= SCRAPES; n++) {
      await pause(Math.max(0, before.at + n * PERIOD - performance.now()));
      last = await scrape(service);
      if (load.log.includes('failed'))
        throw load.failure(`do not report any more; the service says: ${service.process.log}`);
      scrapes.push(last.took);
    }
    const after = now();
    const seconds = (after.at - before.at) / 1000;
    const result = {
      what,
      cpu: (after.service - before.service) / seconds,
      load: (after.load - before.load) / seconds,
      reportsPerSecond: (last.reports - reports) / seconds,
      resident: residentMemory(service.process.pid),
      peak: costOf(service.process.pid).peakMemory,
      scrapes,
      bytes: last.bytes,
    };
    console.log(row(result));
    return result;
  });
}

async function scrape({ http }: MetricsService) {
  const from = performance.now();
  const response = await fetch(`http://127.0.0.1:${http}/metrics`);
  const text = await response.text();
  const took = performance.now() - from;
  const reports = Number(/^pixtorrent_metrics_reports_total (\d+)$/m.exec(text)![1]);
  return { took, bytes: text.length, reports };
}

function residentMemory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) * 1024;
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1]!;
}

function row({ what, cpu, load, reportsPerSecond, resident, peak, scrapes, bytes }: Measured): string {
  const mebibytes = (value: number): string => (value / 2 ** 20).toFixed(0);
  return `| ${[
    what,
    reportsPerSecond.toFixed(0),
    `${(cpu * 100).toFixed(1)} %`,
    `${(load * 100).toFixed(1)} %`,
    `${mebibytes(resident)}, ${mebibytes(peak)}`,
    [50, 99, 100].map((percent) => percentile(scrapes, percent).toFixed(0)).join(', '),
    (bytes / 1000).toFixed(0),
  ].join(' | ')} |`;
}

async function report(): Promise<void> {
  const machine = await describeMachine();
  const { nodes, swarms, pieces, gets } = rollOut;
  const lines = [
    '# The metrics service with a large cluster',
    '',
    `${machine.cores} cores (${machine.processor}), ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node}.`,
    `${nodes} nodes report ${swarms} swarms of ${pieces.toLocaleString('en')} pieces each, every 2 s, by a stream and a connection each. In a roll-out nine`,
    `tenths of them get ${gets} pieces between two reports, from 20 others. ${SCRAPES} scrapes of \`/metrics\`, ${PERIOD / 1000} s apart, count in the CPU.`,
    'The heap may be as large as in a container of 640 MiB, as the chart has it.',
    '',
    '| | reports/s | CPU, of one core | CPU of who plays the nodes | memory now, and most, MiB | scrape p50, p99, longest, ms | of kB |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...measured.map(row),
  ];
  const results = new URL('../results/', import.meta.url);
  await mkdir(results, { recursive: true });
  await writeFile(
    new URL('metrics.json', results),
    `${JSON.stringify({ machine, rollOut, measured }, null, 2)}\n`,
  );
  await writeFile(new URL('metrics.md', results), `${lines.join('\n')}\n`);
  console.log(lines.join('\n'));
}
