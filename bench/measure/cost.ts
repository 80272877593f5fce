import { readFileSync } from 'node:fs';

/** What a running process has used so far, its threads included. */
export interface Cost {
  /** Seconds of CPU, user and system together, to a hundredth. */
  readonly cpu: number;
  /** The most memory that it ever held, bytes. */
  readonly peakMemory: number;
}

/** Linux reports CPU time in hundredths of a second to user space, whatever the kernel's own tick is. */
const TICKS_PER_SECOND = 100;

export function costOf(pid: number): Cost {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the program's name in parentheses, and may hold anything: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    peakMemory: Number(peak) * 1024,
  };
}
