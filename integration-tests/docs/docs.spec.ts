import { globSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { brokenLinks, readPage } from './page.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['.', 'docs', 'bench', 'charts', 'cli', 'deploy', 'integration-tests', 'libs', 'services'];
const pages = FOLDERS.flatMap((folder) =>
  globSync(folder === '.' ? '*.md' : `${folder}/**/*.md`, {
    cwd: ROOT,
    exclude: ['**/node_modules/**', '**/dist/**'],
  }),
).map((path) => readPage(ROOT, path));
const code = pages.flatMap((page) => page.code);

const SETTING = /\b(?:TRACKER|PEER|METRICS|REDIS)_[A-Z_]*[A-Z]\b/g;
const VALUE =
  /^(?:auth|image|metrics|monitoring|networkPolicy|peerNode|redis|tls|tracker)(?:\.(?!md$|crt$|key$)[a-zA-Z]+)+$/;

function leadsSomewhere(values: unknown, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined) return true;
  const isBranch = typeof values === 'object' && values !== null && Object.hasOwn(values, first);
  return isBranch ? leadsSomewhere(Reflect.get(values, first), rest) : false;
}

/** What stands behind a program's name somewhere in the pages. */
function named(pattern: RegExp): Set<string> {
  return new Set(code.flatMap((part) => [...part.matchAll(pattern)].map(([, name]) => name!)));
}

describe('the pages', () => {
  it('point to files and headings that are there', () => {
    expect(pages.flatMap(({ links }) => links).length).toBeGreaterThan(100);
    expect(brokenLinks(ROOT, pages)).toEqual([]);
  });

  it('name scripts that npm can run', () => {
    const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
    const used = [...named(/\bnpm run ([a-z][a-z:-]*[a-z])/g)];
    expect(used.length).toBeGreaterThan(10);
    expect(used.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it('name commands that pixtorrent has', () => {
    const commands = readdirSync(`${ROOT}cli/src/commands`).map((file) => file.replace(/\..*$/, ''));
    const used = [...named(/(?:^|npx |\n)pixtorrent ([a-z]+)/g)];
    expect(used.length).toBeGreaterThan(10);
    expect(used.filter((name) => !commands.includes(name))).toEqual([]);
  });

  it('name settings that a service reads', () => {
    const sources = [
      ...globSync('services/*/src/config/*-settings.ts', { cwd: ROOT }),
      'libs/service-kit/src/redis/redis-config.ts',
    ].map((path) => readFileSync(`${ROOT}${path}`, 'utf8'));
    const known = new Set(sources.flatMap((text) => text.match(SETTING)));
    const used = [...named(new RegExp(`(${SETTING.source})`, 'g'))];
    expect(used.length).toBeGreaterThan(50);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });

  it('name values that the chart has', () => {
    const values = parse(readFileSync(`${ROOT}charts/pixtorrent/values.yaml`, 'utf8'));
    const used = code.filter((part) => VALUE.test(part));
    expect(used.length).toBeGreaterThan(50);
    expect(used.filter((path) => !leadsSomewhere(values, path.split('.')))).toEqual([]);
  });

  it('list every decision', () => {
    const list = readPage(ROOT, 'docs/adr/README.md');
    const decisions = readdirSync(`${ROOT}docs/adr`).filter((file) => file !== 'README.md');
    expect([...list.links].sort()).toEqual(decisions.sort());
  });
});
