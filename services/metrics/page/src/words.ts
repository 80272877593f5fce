const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Three digits and a unit: 0 B, 999 B, 1.23 GB. */
export function bytes(count: number): string {
  let unit = 0;
  let value = count;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : digits(value)} ${UNITS[unit]}`;
}

export function perSecond(rate: number): string {
  return `${bytes(rate)}/s`;
}

function digits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

/** A share of 1. All is said only of all, and nothing only of nothing. */
export function percent(share: number): string {
  if (share >= 1) return '100 %';
  if (share <= 0) return '0 %';
  const value = Math.min(99.9, Math.max(0.1, share * 100));
  return `${value < 10 || value > 99 ? value.toFixed(1) : Math.floor(value)} %`;
}

/** Two units at the most: 8 s, 3 min 20 s, 2 h 5 min, 4 d. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return joined(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(whole / 60);
  if (minutes < 48 * 60) return joined(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  return `${Math.round(minutes / 1440)} d`;
}

function joined(large: number, unit: string, small: number, smaller: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smaller}`;
}

export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`;
}

/** Names as people sort them: node-2 before node-10. */
export const byName = new Intl.Collator('en', { numeric: true }).compare;

/** What there is to say of the time left. */
export function left({
  nodes,
  whole,
  secondsLeft,
}: {
  readonly nodes: number;
  readonly whole: number;
  readonly secondsLeft: number | null;
}): string {
  if (nodes > 0 && whole === nodes) return 'done';
  return secondsLeft === null ? 'unknown' : duration(secondsLeft);
}
