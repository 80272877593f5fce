import { styleText } from 'node:util';
import { type Endpoint, printable } from '@pixtorrent/core';
import prettyBytes from 'pretty-bytes';

/** Bytes for people, in powers of a thousand. */
export function bytes(count: number): string {
  return prettyBytes(count);
}

/** Bytes a second for people. */
export function perSecond(rate: number): string {
  return `${prettyBytes(Math.round(rate))}/s`;
}

/** `3 s`, `2:05`, `1:02:05`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [first, ...rest] = parts[0] === 0 ? parts.slice(1) : parts;
  return [first, ...rest.map((part) => String(part).padStart(2, '0'))].join(':');
}

/** As `HOST:PORT`. */
export function hostAndPort({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** `1 piece`, `2 pieces`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A path or name out of a torrent, safe to show; longer than a path ever is. */
export function shownPath(path: readonly string[]): string {
  return printable(path.join('/'), 4096);
}

/** A word of ours in bold, where standard output is a terminal that shows it. */
export function strong(word: string): string {
  return styleText('bold', word, { stream: process.stdout });
}

export function good(word: string): string {
  return styleText('green', word, { stream: process.stdout });
}

export function bad(word: string): string {
  return styleText('red', word, { stream: process.stdout });
}

/** Bytes for people, in powers of 1,024: what pieces are counted in. */
export function binaryBytes(count: number): string {
  return prettyBytes(count, { binary: true });
}
