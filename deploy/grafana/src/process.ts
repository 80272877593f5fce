import { lines } from './panels.ts';

/** What every service tells of its process. @param prefix `pixtorrent_tracker` */
export function processPanels(prefix: string, selector: string): ReturnType<typeof lines>[] {
  const rate = (metric: string): string => `rate(${prefix}_${metric}{${selector}}[$__rate_interval])`;
  return [
    lines({
      title: 'Event loop',
      description:
        'How late timers come, 99th percentile; 10 ms of it are how it is measured. Above 100 ms the process does not keep up.',
      unit: 's',
      queries: [[`${prefix}_nodejs_eventloop_lag_p99_seconds{${selector}}`, '{{instance}}']],
      empty: 'no process',
      limits: { orange: 0.1, red: 0.5 },
      min: 0,
      width: 8,
    }),
    lines({
      title: 'Processor',
      description:
        'Processor time a second: 1 is one core. What hashes and reads the disk may have more than one.',
      unit: 'short',
      queries: [[rate('process_cpu_seconds_total'), '{{instance}}']],
      empty: 'no process',
      min: 0,
      width: 8,
    }),
    lines({
      title: 'Memory',
      description: 'Resident memory of the process.',
      unit: 'bytes',
      queries: [[`${prefix}_process_resident_memory_bytes{${selector}}`, '{{instance}}']],
      empty: 'no process',
      min: 0,
      width: 8,
    }),
    lines({
      title: 'Open files',
      description: 'Files and sockets that are open, over how many may be.',
      unit: 'percentunit',
      queries: [
        [`${prefix}_process_open_fds{${selector}} / ${prefix}_process_max_fds{${selector}}`, '{{instance}}'],
      ],
      empty: 'no process',
      limits: { orange: 0.8, red: 0.95 },
      min: 0,
      width: 12,
    }),
    lines({
      title: 'Garbage collection',
      description: 'Part of the time that goes into it, by kind. Below 5 % is good.',
      unit: 'percentunit',
      queries: [
        [`sum by (instance, kind) (${rate('nodejs_gc_duration_seconds_sum')})`, '{{instance}} {{kind}}'],
      ],
      empty: 'nothing was collected',
      limits: { orange: 0.05 },
      min: 0,
      width: 12,
    }),
  ];
}
