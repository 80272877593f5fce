import { setTimeout as pause } from 'node:timers/promises';
import { interrupted } from '../interrupt.ts';
import type { Output } from '../output/output.ts';
import { counted, duration, perSecond } from '../output/words.ts';
import { rollOuts } from './roll-out.ts';
import type { Services } from './services.ts';

/** Milliseconds between two looks. */
const PERIOD = 500;

/** Shows how an entry spreads until every node that is to hold it has all of it. @throws CliError */
export async function waitForAll(
  services: Services,
  { name, version }: { readonly name: string; readonly version: number },
  output: Output,
): Promise<void> {
  const began = performance.now();
  const view = output.progress('spreading');
  try {
    for (;;) {
      const [nodes, { entries, stale }] = await Promise.all([services.nodes(), services.entries(name)]);
      const entry = entries.find((one) => one.version === version);
      if (entry === undefined) {
        if (!stale) return;
        // A replica whose Redis is away may have missed what was published.
        await rest();
        continue;
      }
      const { wanted, whole, completion, shares } = rollOuts([entry], nodes)[0]!;
      const rate = shares.reduce((sum, { downRate }) => sum + downRate, 0);
      const note = `${whole} of ${counted(wanted.length, 'node')}, ${perSecond(rate)} together`;
      view.update(Math.floor(completion * 1000), 1000, note);
      if (wanted.length > 0 && whole === wanted.length) {
        const seconds = (performance.now() - began) / 1000;
        view.end();
        const rounded = Math.round(seconds * 1000) / 1000;
        output.event({ event: 'spread', name, version, nodes: whole, seconds: rounded });
        output.print(`on ${counted(whole, 'node')} after ${duration(seconds)}`);
        return;
      }
      await rest();
    }
  } finally {
    view.end();
  }
}

/** @throws what it was interrupted by */
async function rest(): Promise<void> {
  await pause(PERIOD, undefined, { signal: interrupted }).catch(() => {
    throw interrupted.reason;
  });
}
