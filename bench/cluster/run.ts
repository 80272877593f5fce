/** Seconds that a round may take. */
export const SECONDS = 300;

/** What became of one pod: milliseconds since 1970. */
export interface Arrival {
  /** When its process started. */
  readonly started: number;
  /** When it had sent as much as a piece to another; missing where nobody asked it for that. */
  readonly served?: number;
  /** When it had everything. */
  readonly complete: number;
  /** Seconds of CPU that its process took until then. */
  readonly cpu: number;
  /** SHA-256 of what it has. */
  readonly digest: string;
}

export interface Run {
  /** When Kubernetes was asked for the pods: milliseconds since 1970. */
  readonly asked: number;
  readonly arrivals: readonly Arrival[];
  /** Bytes that left the pod which had the content at the beginning. */
  readonly sourceSent: number;
}

/**
 * For scripts in pods: when the process of the pod started, milliseconds since 1970, and the seconds of CPU that it
 * took. Linux tells both in hundredths of a second to user space; Kubernetes tells whole seconds only.
 */
export const PROCESS = `
function processOfPod() {
  const { readFileSync } = require('node:fs');
  const stat = readFileSync('/proc/1/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
  const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
  const started = Date.now() - Math.round((uptime - fields[19] / 100) * 1000);
  return { started, cpu: (fields[11] + fields[12]) / 100 };
}
`;
