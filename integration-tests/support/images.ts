import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export type ImageName = 'tracker' | 'peer-node' | 'metrics' | 'cli';

export const IMAGES: readonly ImageName[] = ['tracker', 'peer-node', 'metrics', 'cli'];

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
/** Before the names of our images, or nothing. */
export const IMAGE_REGISTRY: string = process.env.PIXTORRENT_IMAGE_REGISTRY ?? '';

/** Of all images under test. */
export const IMAGE_TAG: string = process.env.PIXTORRENT_IMAGE_TAG || version;

export const REDIS_IMAGE: string = process.env.PIXTORRENT_REDIS_IMAGE || 'redis:7';

export function imageOf(name: ImageName): string {
  return `${IMAGE_REGISTRY && `${IMAGE_REGISTRY}/`}pixtorrent/${name}:${IMAGE_TAG}`;
}

/** What this machine lacks to run the images: an answering engine, or some of them. */
export function missingForImages(): string[] {
  try {
    docker(['version']);
  } catch {
    return ['a Docker engine that answers'];
  }
  return IMAGES.map(imageOf)
    .filter((image) => !isThere(image))
    .map((image) => `${image} (npm run images)`);
}

function isThere(image: string): boolean {
  try {
    docker(['image', 'inspect', image]);
    return true;
  } catch {
    return false;
  }
}

function docker(args: readonly string[]): void {
  execFileSync('docker', args, { stdio: 'ignore', timeout: 30_000 });
}
