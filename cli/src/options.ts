import type { Endpoint } from '@pixtorrent/core';
import type { ArgumentsCamelCase, Argv } from 'yargs';
import { CliError } from './errors.ts';
import { parseRate, parseSize } from './sizes.ts';

/** What every command takes. */
export interface CommonOptions {
  readonly json: boolean;
  readonly verbose: boolean;
}

export type CommandLine = Argv<CommonOptions>;

/** What a command is called with, by the function that declares its options. */
// biome-ignore lint/suspicious/noExplicitAny: only the result is of interest
export type ArgumentsOf<Declare extends (yargs: any) => Argv<any>> =
  ReturnType<Declare> extends Argv<infer Options> ? ArgumentsCamelCase<Options> : never;

/** Reads one value of an option. @throws CliError `usage` */
type Reader<T> = (text: string, option: string) => T;

/** An option that may be given once, read by `read`. */
export function one<T>(option: string, read: Reader<T>): (value: string | readonly string[]) => T {
  return (value) => {
    if (typeof value !== 'string') throw new CliError('usage', `--${option} was given more than once`);
    return read(value, option);
  };
}

/** An option that may be given any number of times. */
export function many<T>(option: string, read: Reader<T>): (values: readonly string[]) => T[] {
  return (values) => values.map((value) => read(value, option));
}

export const text: Reader<string> = (value, option) => {
  if (value === '') throw new CliError('usage', `--${option} is empty`);
  return value;
};

export const port: Reader<number> = (value, option) => {
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
  throw new CliError('usage', `--${option} ${value}: a port is a number from 0 to 65535, where 0 picks one`);
};

export const size: Reader<number> = (value, option) => {
  const bytes = parseSize(value);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new CliError('usage', `--${option} ${value}: give bytes, or a size such as 20MB or 1GiB`);
};

export const rate: Reader<number> = (value, option) => {
  const bytes = parseRate(value);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new CliError('usage', `--${option} ${value}: give bytes a second, such as 20MB or 1GiB`);
};

export const seconds: Reader<number> = (value, option) => {
  if (/^\d{1,7}$/.test(value)) return Number(value);
  throw new CliError('usage', `--${option} ${value}: give whole seconds`);
};

export const endpoint: Reader<Endpoint> = (value, option) => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]{1,253})):(\d{1,5})$/i.exec(value);
  const number = Number(match?.[3]);
  if (match && number >= 1 && number <= 65_535) return { host: (match[1] ?? match[2])!, port: number };
  throw new CliError('usage', `--${option} ${value}: give HOST:PORT, an IPv6 address in brackets`);
};

/** A number of things, from 1. */
export const count: Reader<number> = (value, option) => {
  if (/^\d{1,4}$/.test(value) && Number(value) > 0) return Number(value);
  throw new CliError('usage', `--${option} ${value}: give a number from 1`);
};
