import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { infoHashFromHex, silentLogger } from '@pixtorrent/core';
import { expect, it } from 'vitest';
import { ContentFolder } from './content-folder.ts';
import { Entries } from './entries.ts';

it('takes the same entry from two at once: who published it, and who heard of it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'entries-'));
  try {
    const folder = await ContentFolder.open(root, silentLogger);
    const entries = await Entries.open(folder);
    const entry = {
      name: 'a',
      version: 1,
      infoHash: infoHashFromHex('a'.repeat(40)),
      size: 5,
      replicas: 'all' as const,
      labels: {},
      published: 7,
    };
    for (let round = 0; round < 20; round++) {
      const next = { ...entry, version: round + 1 };
      await Promise.all([entries.keep(next), entries.keep(next)]);
    }
    expect([...(await Entries.open(folder)).live()]).toHaveLength(20);
    // Who has heard of it late does not bring back what was removed.
    await Promise.all([entries.remove({ ...entry, version: 1 }), entries.keep({ ...entry, version: 1 })]);
    expect([...(await Entries.open(folder)).live()]).toHaveLength(19);
    await entries.keep({ ...entry, version: 1, published: 8 });
    expect([...(await Entries.open(folder)).live()]).toHaveLength(20);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
