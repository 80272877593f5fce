import { parseArgs } from 'node:util';
import { CONTENDERS } from './contenders.ts';

export interface BenchOptions {
  /** Bytes of content. */
  readonly size: number;
  readonly rounds: number;
  /** Names of contenders, in the order of each round. */
  readonly clients: readonly string[];
  /** Bytes of a piece, the same for all. */
  readonly pieceLength: number;
}

/** Reads `--size 1GiB --rounds 5 --clients pixwire,libtorrent --piece-length 1MiB`. @throws Error on anything else */
export function parseOptions(defaults: BenchOptions, args = process.argv.slice(2)): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      size: { type: 'string' },
      rounds: { type: 'string' },
      clients: { type: 'string' },
      'piece-length': { type: 'string' },
    },
  });
  const clients = values.clients?.split(',') ?? defaults.clients;
  for (const name of clients) {
    if (!CONTENDERS[name])
      throw new Error(`no client ${name}; there are ${Object.keys(CONTENDERS).join(', ')}`);
  }
  const rounds = values.rounds === undefined ? defaults.rounds : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}`);
  return {
    clients,
    rounds,
    size: values.size === undefined ? defaults.size : parseBytes(values.size),
    pieceLength:
      values['piece-length'] === undefined ? defaults.pieceLength : parseBytes(values['piece-length']),
  };
}

/** The clients in another order each round: whoever comes after another finds the caches as that one left them. */
export function rotated<T>(clients: readonly T[], round: number): T[] {
  const first = (round - 1) % clients.length;
  return [...clients.slice(first), ...clients.slice(0, first)];
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

function parseBytes(text: string): number {
  const [, amount, unit] = /^(\d+)\s*([kMGKiB]*)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : UNITS[unit];
  if (amount === undefined || factor === undefined)
    throw new Error(`size ${text}: write it as 512MiB or 1GB`);
  return Number(amount) * factor;
}
