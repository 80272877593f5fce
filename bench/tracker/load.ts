import { fileURLToPath } from 'node:url';
import { Process } from '../../integration-tests/support/processes.ts';
import { scoped } from '../../integration-tests/support/scope.ts';
import { costOf } from '../measure/cost.ts';
import type { LoadOrder, LoadResult } from './load/report.ts';
import { type Frontend, LOAD_CORE, type RunningTracker } from './trackers.ts';

export interface Measured extends LoadResult {
  /** Announces a second. */
  readonly rate: number;
  /** Microseconds of the tracker's CPU an announce. */
  readonly trackerCpu: number;
  /** Microseconds of the store's CPU an announce. */
  readonly storeCpu: number;
}

const HOST = '127.0.0.1';

/** Has a process of its own announce, on the other core. @throws Error where answers are not what they should be */
export async function load(
  tracker: RunningTracker,
  frontend: Frontend,
  order: Pick<LoadOrder, 'swarms' | 'peersPerSwarm' | 'until'> & Partial<LoadOrder>,
): Promise<Measured> {
  const whole: LoadOrder = {
    host: HOST,
    port: tracker[frontend],
    numWant: 50,
    sockets: Math.min(frontend === 'http' ? 64 : 16, order.peersPerSwarm),
    closes: frontend === 'http' && tracker.closes,
    ...order,
  };
  const program = fileURLToPath(new URL(`./load/${frontend}-load.ts`, import.meta.url));
  const command = ['taskset', '-c', LOAD_CORE, process.execPath, program, JSON.stringify(whole)];
  const before = [tracker.process, tracker.store].map((one) => (one ? costOf(one.pid).cpu : 0));
  const result = await scoped(async (scope) => {
    const started = await Process.start(scope, `${frontend} load`, command);
    const seconds = order.until === 'everybody' ? 600 : order.until + 30;
    const line = await started.line('result', (text) => text.startsWith('{'), seconds);
    return JSON.parse(line) as LoadResult;
  });
  const after = [tracker.process, tracker.store].map((one) => (one ? costOf(one.pid).cpu : 0));
  const perAnnounce = (i: number) => ((after[i]! - before[i]!) * 1e6) / result.answers;
  if (result.answers === 0) throw tracker.process.failure('answered nothing');
  return {
    ...result,
    rate: result.answers / result.seconds,
    trackerCpu: perAnnounce(0),
    storeCpu: perAnnounce(1),
  };
}
