import type { SessionOptions } from '@pixtorrent/client';
import { CliError } from '../errors.ts';

/**
 * The wires to dial in, by the environment variable PIXTORRENT_WIRE; it is for measuring one against the other.
 * @returns undefined where it is not set: both
 * @throws CliError `usage`
 */
export function wiresFromEnvironment(): SessionOptions['wires'] {
  const wire = process.env.PIXTORRENT_WIRE;
  if (wire === undefined || wire === '') return undefined;
  if (wire === 'pixwire' || wire === 'bep3') return [wire];
  throw new CliError('usage', `PIXTORRENT_WIRE=${wire}: set pixwire or bep3, or leave it unset`);
}
