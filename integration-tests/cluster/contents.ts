import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect } from 'vitest';
import { writeFileOf } from '../support/content.ts';
import type { Pod } from '../support/kubernetes.ts';
import type { Release } from './release.ts';

/** Bytes. */
export const MB = 1_000_000;

/** Files that a test publishes from outside of the cluster, each under a name of its own. */
export class Contents {
  readonly #release: Release;
  readonly #folder: string;
  readonly #digests = new Map<string, string>();

  /** @param folder for the files, as long as they are on their way */
  constructor(release: Release, folder: string) {
    this.#release = release;
    this.#folder = folder;
  }

  /** @param options of `pixtorrent publish` */
  async publish(name: string, size: number, ...options: readonly string[]): Promise<void> {
    const file = join(this.#folder, `${name}.bin`);
    await writeFileOf(file, name, size);
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    this.#digests.set(name, hash.digest('hex'));
    await this.#release.pixtorrent(['publish', file, '--name', name, ...options]);
    await rm(file);
  }

  /** Each of these nodes has it on its disk, to the byte. */
  async expectOn(pods: readonly Pod[], ...names: readonly string[]): Promise<void> {
    for (const name of names) {
      const digests = await Promise.all(pods.map((pod) => this.#release.digest(pod, name)));
      expect(digests, name).toEqual(pods.map(() => this.#digests.get(name)));
    }
  }
}
