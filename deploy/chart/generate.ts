/**
 * Makes what the chart has from elsewhere: the table of values in its README, from the comments in `values.yaml`, and
 * its copies of the dashboards and rules, which a chart has to hold itself. With `--check` it changes nothing, and fails
 * where something is not what it would make.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMap, isScalar, parseDocument, type Scalar, type YAMLMap } from 'yaml';

const deploy = fileURLToPath(new URL('..', import.meta.url));
const chart = fileURLToPath(new URL('../../charts/pixtorrent', import.meta.url));
const COPIES = { dashboards: 'grafana/dashboards/*.json', rules: 'prometheus/*{rules,alerts}.yaml' };
const TABLE = /(<!-- values, made by npm run chart -->\n)[\s\S]*(<!-- end of values -->)/;

/** What is to be in the chart, by the paths there. */
function made(): Map<string, string> {
  const readme = readFileSync(join(chart, 'README.md'), 'utf8');
  const values = readFileSync(join(chart, 'values.yaml'), 'utf8');
  const files = new Map([
    ['README.md', readme.replace(TABLE, (_, from, to) => `${from}${tables(values)}${to}`)],
  ]);
  for (const [folder, pattern] of Object.entries(COPIES))
    for (const path of globSync(pattern, { cwd: deploy }).sort())
      files.set(join('files', folder, basename(path)), readFileSync(join(deploy, path), 'utf8'));
  return files;
}

/** Of copies whose originals are gone, too. */
function there(): string[] {
  return ['README.md', ...globSync('files/*/*', { cwd: chart })];
}

interface Row {
  readonly path: string;
  readonly value: unknown;
  readonly says: string;
}

/** A table for each part. */
function tables(yaml: string): string {
  const rows = rowsOf(parseDocument(yaml).contents as YAMLMap, []);
  const parts = Map.groupBy(rows, ({ path }) => (path.includes('.') ? path.split('.')[0]! : ''));
  return [...parts]
    .map(([part, rows]) => {
      const lines = rows.map(({ path, value, says }) => `| \`${path}\` | ${code(value)} | ${cell(says)} |`);
      return `${part && `\n### ${part}\n\n`}| value | default | |\n| --- | --- | --- |\n${lines.join('\n')}\n`;
    })
    .join('');
}

/** @throws Error for a value that nothing is said of */
function rowsOf(map: YAMLMap, path: readonly string[]): Row[] {
  return map.items.flatMap((pair, index) => {
    const key = pair.key as Scalar<string>;
    const here = [...path, key.value];
    // What is before the first key belongs to the map.
    const comment = key.commentBefore ?? (index === 0 ? map.commentBefore : undefined);
    const says = /^ -- (.+)$/m.exec(comment ?? '')?.[1];
    if (says === undefined && isMap(pair.value)) return rowsOf(pair.value, here);
    if (says === undefined) throw new Error(`values.yaml says nothing of ${here.join('.')}`);
    const value = isScalar(pair.value) ? pair.value.value : (pair.value as YAMLMap).toJSON();
    return [{ path: here.join('.'), value, says }];
  });
}

function code(value: unknown): string {
  return value === '' ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(join(chart, path), 'utf8');
  } catch {
    return undefined;
  }
}

const wanted = made();
const stale = [...new Set([...wanted.keys(), ...there()])].filter(
  (path) => contentOf(path) !== wanted.get(path),
);
if (process.argv.includes('--check')) {
  if (stale.length > 0) {
    process.stderr.write(
      `not what there is to be in charts/pixtorrent: ${stale.join(', ')}; run npm run chart\n`,
    );
    process.exitCode = 1;
  }
} else
  for (const path of stale) {
    const content = wanted.get(path);
    mkdirSync(dirname(join(chart, path)), { recursive: true });
    if (content === undefined) rmSync(join(chart, path));
    else writeFileSync(join(chart, path), content);
  }
