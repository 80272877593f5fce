import { readFileSync } from 'node:fs';
import { ConfigError, type Setting } from '@pixtorrent/service-kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { peerSettings, readPeerConfig } from './peer-settings.ts';

const settings: readonly Setting[] = Object.values(peerSettings);
const NAME = { PEER_NAME: 'node-1' };
const PAIR = { PEER_TLS_KEY_FILE: '/k', PEER_TLS_CERT_FILE: '/c' };

function wrong(env: Record<string, string>): string {
  try {
    readPeerConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

it('needs nothing to be set', () => {
  expect(readPeerConfig(NAME)).toMatchObject({
    dir: '/data',
    port: 6881,
    httpPort: 6880,
    grpcPort: 6882,
    opsPort: 6883,
    tracker: [{ host: 'localhost', port: 6970 }],
    token: undefined,
    announce: [],
    ingestHosts: [],
    tlsPeers: 'off',
    drainTimeout: 60_000,
  });
});

it('shows no secret where it is wrong', () => {
  const message = wrong({ ...NAME, PEER_TOKEN: 'hunter2 ', PEER_TRACKER_KEY: '\u0007hunter2' });
  expect(message).toMatch(/^PEER_TOKEN /m);
  expect(message).not.toContain('hunter2');
});

it('names the key that was probably meant', () => {
  expect(wrong({ ...NAME, PEER_TOKENS: 'x' })).toBe('PEER_TOKENS is not known, did you mean PEER_TOKEN?');
});

describe('refuses what does not fit together:', () => {
  it.each<[string, Record<string, string>, string]>([
    ['one port twice', { PEER_GRPC_PORT: '6881' }, 'PEER_GRPC_PORT'],
    ['a key without a certificate', { PEER_TLS_KEY_FILE: '/k' }, 'PEER_TLS_CERT_FILE'],
    ['a certificate without a key', { PEER_TLS_CERT_FILE: '/c' }, 'PEER_TLS_KEY_FILE'],
    ['TLS between peers without an authority', { ...PAIR, PEER_TLS_PEERS: 'require' }, 'PEER_TLS_PEERS'],
    ['certified clients without an authority', { ...PAIR, PEER_TLS_CLIENTS: 'true' }, 'PEER_TLS_CLIENTS'],
    ['two places of tokens', { PEER_TOKEN: 'a'.repeat(16), PEER_TOKEN_FILE: '/t' }, 'PEER_TOKEN'],
    ['a token that is too short', { PEER_TOKEN: 'short' }, 'PEER_TOKEN'],
    ['a tracker of another kind', { PEER_ANNOUNCE: 'grpc://tracker:6970' }, 'PEER_ANNOUNCE'],
    ['a folder that is relative', { PEER_DIR: 'data' }, 'PEER_DIR'],
    ['a network that is none', { PEER_INGEST_HOSTS: '10.0.0.0/33' }, 'PEER_INGEST_HOSTS'],
  ])('%s', (_, env, key) => {
    expect(wrong({ ...NAME, ...env })).toMatch(new RegExp(`^${key} [^\\n]+$`));
  });
});

it('takes no harm from any environment', () => {
  const name = fc.constantFrom(...settings.map((setting) => setting.name), 'PEER_X', 'PEER_');
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.stringMatching(/^[a-z0-9.:,/-]{0,20}$/),
  );
  fc.assert(
    fc.property(fc.dictionary(name, text), (env) => {
      try {
        readPeerConfig({ ...NAME, ...env });
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
      }
    }),
    { numRuns: 2000 },
  );
});

describe('docs/operations.md', () => {
  const document = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');

  it('has a row for every key, with its default and what it does', () => {
    const rows = settings.map(({ name, default: standard, about }) => {
      // Of this machine.
      const known = name === 'PEER_NAME' ? '' : standard;
      const shown = known ? `\`${known}\`` : '';
      return `| \`${name}\` | ${shown}${shown && ' '}| ${about} |`;
    });
    expect(rows.filter((row) => !document.includes(`${row}\n`))).toEqual([]);
  });

  it('has no row for another', () => {
    const named = [...document.matchAll(/^\| `(PEER_[A-Z_]+)` \|/gm)].map(([, name]) => name);
    expect(named.filter((name) => !settings.some((setting) => setting.name === name))).toEqual([]);
    expect(named).toHaveLength(settings.length);
  });
});
