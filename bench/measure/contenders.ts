import { aria2 } from '../../integration-tests/support/clients/aria2.ts';
import type { Client } from '../../integration-tests/support/clients/client.ts';
import { libtorrent } from '../../integration-tests/support/clients/libtorrent.ts';
import { pixtorrent } from '../../integration-tests/support/clients/pixtorrent.ts';

/** A client with what it is told, under the name that a result carries. */
export interface Contender {
  readonly client: Client;
  readonly env?: Readonly<Record<string, string>>;
}

/** The side that dials decides the wire, so both sides are told the same. */
export const CONTENDERS: Readonly<Record<string, Contender>> = {
  pixwire: { client: pixtorrent, env: { PIXTORRENT_WIRE: 'pixwire' } },
  bep3: { client: pixtorrent, env: { PIXTORRENT_WIRE: 'bep3' } },
  libtorrent: { client: libtorrent },
  aria2: { client: aria2 },
};
