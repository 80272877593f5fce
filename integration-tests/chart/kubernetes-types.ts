import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as kubernetes from '@kubernetes/client-node';

/** An object of Kubernetes, as a chart gives it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own shape, which is what is checked
  readonly [field: string]: any;
}

interface Attribute {
  readonly name: string;
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
}

interface Model {
  getAttributeTypeMap(): readonly Attribute[];
}

const models = kubernetes as unknown as Readonly<Record<string, Model | undefined>>;
const folder = join(dirname(fileURLToPath(import.meta.resolve('@kubernetes/client-node'))), 'gen', 'models');

/** The kinds that clusters know by definitions of their own: no more than their metadata can be checked. */
const CUSTOM = /^(?:cert-manager\.io|monitoring\.coreos\.com)\//;

/**
 * What of an object does not fit the OpenAPI types of Kubernetes: unknown fields, missing ones, and wrong types, by
 * their paths.
 */
export function problemsOf(manifest: Manifest): string[] {
  const { apiVersion, kind } = manifest;
  const where = `${kind} ${manifest.metadata?.name}`;
  if (CUSTOM.test(apiVersion)) return check(manifest.metadata, 'V1ObjectMeta', `${where}: metadata`);
  const version = apiVersion.split('/').at(-1)!;
  const type = `${version[0]!.toUpperCase()}${version.slice(1)}${kind}`;
  if (models[type] === undefined) return [`${where}: there is no ${kind} in ${apiVersion}`];
  return check(manifest, type, where);
}

function check(value: unknown, type: string, path: string): string[] {
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  if (list !== undefined) {
    if (!Array.isArray(value)) return [wrong(path, 'a list', value)];
    return value.flatMap((item, index) => check(item, list, `${path}[${index}]`));
  }
  const entries = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  if (entries !== undefined) {
    if (!isObject(value)) return [wrong(path, 'an object', value)];
    return Object.entries(value).flatMap(([key, item]) => check(item, entries, `${path}.${key}`));
  }
  switch (type) {
    case 'any':
    case 'object':
      return [];
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type ? [] : [wrong(path, `a ${type}`, value)];
    case 'IntOrString':
      return typeof value === 'string' || Number.isInteger(value)
        ? []
        : [wrong(path, 'a number or a string', value)];
    case 'Date':
      return Number.isNaN(Date.parse(String(value))) ? [wrong(path, 'a time', value)] : [];
  }
  if (!isObject(value)) return [wrong(path, 'an object', value)];
  const attributes = models[type]!.getAttributeTypeMap();
  const missing = requiredOf(type, attributes).filter((name) => !(name in value));
  return [
    ...missing.map((name) => `${path}: ${name} is missing`),
    ...Object.entries(value).flatMap(([key, item]) => {
      const attribute = attributes.find(({ baseName }) => baseName === key);
      return attribute === undefined
        ? [`${path}.${key} is not known`]
        : check(item, attribute.type, `${path}.${key}`);
    }),
  ];
}

const required = new Map<string, readonly string[]>();

/** What has to be there is told by the declarations alone. */
function requiredOf(type: string, attributes: readonly Attribute[]): readonly string[] {
  let names = required.get(type);
  if (names === undefined) {
    const declared = readFileSync(join(folder, `${type}.d.ts`), 'utf8').matchAll(/^ {4}'(\w+)'(\??):/gm);
    const always = new Set([...declared].filter(([, , optional]) => optional === '').map(([, name]) => name));
    names = attributes.filter(({ name }) => always.has(name)).map(({ baseName }) => baseName);
    required.set(type, names);
  }
  return names;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(path: string, expected: string, value: unknown): string {
  return `${path} is ${JSON.stringify(value)}, and not ${expected}`;
}
