import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { backgroundTimers, systemClock, systemTimers } from './system.ts';

const module = new URL('./system.ts', import.meta.url).href;

describe('the machine as a source of time', () => {
  it('runs a timer when it is due, and never a cancelled one', async () => {
    const start = systemClock.now();
    let cancelled = false;
    const timer = systemTimers.after(1, () => {
      cancelled = true;
    });
    timer.cancel();
    timer.cancel();
    await new Promise<void>((resolve) => systemTimers.after(20, resolve));
    expect(systemClock.now() - start).toBeGreaterThanOrEqual(19);
    expect(cancelled).toBe(false);
  });

  it('runs what is to be done at once after this turn, without a timer, and not when it is cancelled', async () => {
    const order: string[] = [];
    for (const timers of [systemTimers, backgroundTimers]) {
      timers.after(0, () => order.push('at once'));
      timers.after(0, () => order.push('cancelled')).cancel();
    }
    order.push('this turn');
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(order).toEqual(['this turn', 'at once', 'at once']);
  });

  it('keeps a process alive for its timers, but not for those in the background', () => {
    const script = `import { backgroundTimers, systemTimers } from '${module}';
      backgroundTimers.after(60_000, () => console.log('background'));
      systemTimers.after(10, () => console.log('ran'));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
    expect(output.toString().trim()).toBe('ran');
  });

  it('runs background timers too while something else keeps the process', async () => {
    const order: string[] = [];
    backgroundTimers.after(5, () => order.push('background'));
    await new Promise<void>((resolve) => systemTimers.after(30, resolve));
    expect(order).toEqual(['background']);
  });
});
