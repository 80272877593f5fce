import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ValueSchema } from './setting.ts';

/** A schema of what `read` makes of the text; `expected` says what that is where it makes nothing of it. */
export function value<T>(expected: string, read: (text: string) => T | undefined): ValueSchema<T> {
  return {
    expected,
    read(text) {
      const result = read(text);
      return result === undefined ? undefined : { value: result };
    },
  };
}

export function text(expected: string, longest = 1024): ValueSchema<string> {
  return value(expected, (given) => (given !== '' && given.length <= longest ? given : undefined));
}

export function choice<const T extends string>(...choices: readonly T[]): ValueSchema<T> {
  return value(anyOf(choices), (given) => choices.find((known) => known === given));
}

export function whole(smallest: number, largest: number, what = 'a number'): ValueSchema<number> {
  return value(`${what} from ${smallest} to ${largest}`, (given) => numberIn(given, smallest, largest));
}

export function boolean(): ValueSchema<boolean> {
  return value('true or false', (given) => (given === 'true' ? true : given === 'false' ? false : undefined));
}

/** A port to listen on: 0 picks one; `off`, or nothing, for none. */
export function listenPort(): ValueSchema<number | undefined> {
  return {
    expected: 'a port from 0 to 65535, where 0 picks one, or off',
    read(given) {
      if (given === '' || given === 'off') return { value: undefined };
      const port = numberIn(given, 0, 65_535);
      return port === undefined ? undefined : { value: port };
    },
  };
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/** An IP address, or the name of a host. */
export function host(): ValueSchema<string> {
  return value('an IP address or a host name', (given) => (isHost(given) ? given : undefined));
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** `redis.example:6379`, `[2001:db8::1]:6379`; the port may be left out. */
export function hostAndPort(defaultPort: number): ValueSchema<HostAndPort> {
  return value('HOST:PORT, an IPv6 address in brackets', (given) => readHostAndPort(given, defaultPort));
}

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A time such as `250ms`, `30s`, `2m` or `1h`. @returns milliseconds */
export function duration(shortest: string, longest: string): ValueSchema<number> {
  const [least, most] = [readDuration(shortest)!, readDuration(longest)!];
  return value(`a time from ${shortest} to ${longest}, such as 30s`, (given) => {
    const milliseconds = readDuration(given);
    return milliseconds !== undefined && milliseconds >= least && milliseconds <= most
      ? milliseconds
      : undefined;
  });
}

const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** A size such as `512KiB` or `20MiB`. @returns bytes */
export function size(smallest: string, largest: string): ValueSchema<number> {
  const [least, most] = [readSize(smallest)!, readSize(largest)!];
  return value(`a size from ${smallest} to ${largest}, such as 4MiB`, (given) => {
    const bytes = readSize(given);
    return bytes !== undefined && bytes >= least && bytes <= most ? bytes : undefined;
  });
}

/** Bytes of the largest file that is taken for one of certificates. */
const LARGEST_PEM = 4 * 2 ** 20;

/**
 * The contents of a file with a block of the kind in PEM, such as `CERTIFICATE`. Read at once, so that a wrong name is
 * told with all else that is wrong.
 */
export function pemFile(kind: string): ValueSchema<string> {
  return value(expectedPem(kind), (path) => readPem(path, kind));
}

/** The path of such a file, for who reads it again when it changes. */
export function pemPath(kind: string): ValueSchema<string> {
  return value(expectedPem(kind), (path) => (readPem(path, kind) === undefined ? undefined : path));
}

/** What `item` reads, separated by commas; blanks around them do not count. Nothing is no item. */
export function list<T>(item: ValueSchema<T>, expected: string, most = 64): ValueSchema<readonly T[]> {
  return value(`${expected}, separated by commas, at most ${most}`, (given) => {
    if (given === '') return [];
    const parts = given.split(',', most + 1);
    const items = parts.map((part) => item.read(part.trim())).filter((read) => read !== undefined);
    return parts.length <= most && items.length === parts.length
      ? items.map((read) => read.value)
      : undefined;
  });
}

function expectedPem(kind: string): string {
  return `a file in PEM with a ${kind.toLowerCase()}, that can be read`;
}

function readPem(path: string, kind: string): string | undefined {
  try {
    if (statSync(path).size > LARGEST_PEM) return undefined;
    const contents = readFileSync(path, 'utf8');
    return /^-----BEGIN ([A-Z ]+)-----$/m.exec(contents)?.[1]?.endsWith(kind) ? contents : undefined;
  } catch {
    return undefined;
  }
}

function isHost(given: string): boolean {
  return isIP(given) !== 0 || HOST_NAME.test(given);
}

function readHostAndPort(given: string, defaultPort: number): HostAndPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(given);
  const name = match?.[1] ?? match?.[2];
  if (name === undefined || !isHost(name) || (match![1] !== undefined && isIP(name) !== 6)) return undefined;
  const port = match![3] === undefined ? defaultPort : numberIn(match![3], 1, 65_535);
  return port === undefined ? undefined : { host: name, port };
}

function numberIn(given: string, smallest: number, largest: number): number | undefined {
  if (!/^\d{1,15}$/.test(given)) return undefined;
  const number = Number(given);
  return number >= smallest && number <= largest ? number : undefined;
}

function readDuration(given: string): number | undefined {
  return readUnits(given, /^(\d{1,12})(ms|s|m|h|d)$/, MILLISECONDS);
}

function readSize(given: string): number | undefined {
  return readUnits(given, /^(\d{1,12})(B|KiB|MiB|GiB)$/, BYTES);
}

function readUnits(given: string, form: RegExp, units: Readonly<Record<string, number>>): number | undefined {
  const match = form.exec(given);
  return match === null ? undefined : Number(match[1]) * units[match[2]!]!;
}

function anyOf(words: readonly string[]): string {
  return words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
