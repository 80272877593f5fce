import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@pixtorrent/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { systemTimers } from '../time/system.ts';
import { BearerTokens, bearerTokens } from './bearer-tokens.ts';

const OLD = 'old-token-0123456789';
const NEW = 'new/token+0123456789==';

it('knows several tokens, so that they can be renewed one after the other', () => {
  const tokens = BearerTokens.fromText(`${OLD}\n  ${NEW}\n`);
  for (const token of [OLD, NEW]) {
    expect(tokens.judge(`Bearer ${token}`)).toBe('accepted');
    expect(tokens.judge(`bearer  ${token} `)).toBe('accepted');
  }
});

it.each<[string, string | undefined, string]>([
  ['nothing', undefined, 'missing'],
  ['an empty header', '', 'missing'],
  ['another scheme', `Basic ${OLD}`, 'wrong'],
  ['a token without a scheme', OLD, 'wrong'],
  ['another token', 'Bearer another-token-0123456789', 'wrong'],
  ['the beginning of one', `Bearer ${OLD.slice(0, -1)}`, 'wrong'],
  ['more than one', `Bearer ${OLD}x`, 'wrong'],
  ['two', `Bearer ${OLD} ${NEW}`, 'wrong'],
  ['one after much', `Bearer ${' '.repeat(2000)}${OLD}`, 'wrong'],
  ['other letters', `Bearer ${OLD.toUpperCase()}`, 'wrong'],
])('does not take %s', (_, header, verdict) => {
  expect(BearerTokens.fromText(`${OLD} ${NEW}`).judge(header)).toBe(verdict);
});

it('takes no other header whatever', () => {
  const tokens = BearerTokens.fromText(OLD);
  const text = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  fc.assert(
    fc.property(text, fc.constantFrom('', 'Bearer '), (rest, scheme) => {
      expect(tokens.judge(`${scheme}${rest}`)).not.toBe('accepted');
    }),
    { numRuns: 2_000 },
  );
});

describe('what is no list of tokens is refused, and not shown:', () => {
  it.each([
    ['nothing', ' \n'],
    ['a short one', 'secret-but-short'.slice(1)],
    ['a character that none has', `${OLD}é`],
    ['too many', `${OLD} `.repeat(65)],
  ])('%s', (_, text) => {
    const error = (() => {
      try {
        return BearerTokens.fromText(text);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(RangeError);
    expect((error as RangeError).message).not.toContain(text.trim() || '\n');
    expect(bearerTokens().read(text)).toBeUndefined();
  });

  it('and what is one is a setting', () => {
    expect(bearerTokens().read(`${OLD} ${NEW}`)).toEqual({ value: `${OLD} ${NEW}` });
  });
});

it('reads a file of them again when it changes, and keeps those that it had while it is not good', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pix-tokens-'));
  const path = join(folder, 'tokens');
  const dependencies = { timers: systemTimers, logger: silentLogger };
  expect(() => BearerTokens.fromFile(dependencies, { name: 'test', path })).toThrow(ConfigError);
  await writeFile(path, OLD);
  const tokens = BearerTokens.fromFile(dependencies, { name: 'test', path, period: 5 });
  try {
    await writeFile(path, NEW);
    await expect.poll(() => tokens.judge(`Bearer ${NEW}`)).toBe('accepted');
    expect(tokens.judge(`Bearer ${OLD}`)).toBe('wrong');
    await writeFile(path, '');
    await writeFile(path, `${OLD} ${NEW}`);
    await expect.poll(() => tokens.judge(`Bearer ${OLD}`)).toBe('accepted');
  } finally {
    tokens.close();
    await rm(folder, { recursive: true });
  }
});
