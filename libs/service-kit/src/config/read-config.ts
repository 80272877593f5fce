import { printable } from '@pixtorrent/core';
import { ConfigError, type ConfigProblem } from '../errors.ts';
import { nearName } from './near-name.ts';
import type { ConfigOf, Setting, Settings } from './setting.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ReadConfigOptions<S extends Settings> {
  /** A variable that begins so and is none of the settings is a mistake: `TRACKER_`. */
  readonly prefix?: string;
  /** What does not fit together, among the values that are right each by itself; the others are missing. */
  readonly check?: (config: Partial<ConfigOf<S>>) => readonly ConfigProblem[];
}

/** Of a value that is shown. */
const LONGEST_SHOWN = 60;

/**
 * Kubernetes gives every container the addresses of the services beside it, by names made from theirs: for a service
 * `tracker-redis` TRACKER_REDIS_SERVICE_HOST, TRACKER_REDIS_PORT_6379_TCP_ADDR and more.
 */
const SERVICE_LINK =
  /_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\/\S+$/;

/**
 * What the environment says, by the names of `settings`.
 * @throws ConfigError with everything that is wrong
 */
export function readConfig<S extends Settings>(
  settings: S,
  env: Environment,
  options: ReadConfigOptions<S> = {},
): ConfigOf<S> {
  const config: Record<string, unknown> = {};
  const problems: ConfigProblem[] = [];
  for (const [key, setting] of Object.entries(settings)) {
    const text = textOf(setting, env);
    if (text === undefined) {
      config[key] = undefined;
      continue;
    }
    const read = setting.schema.read(text);
    if (read === undefined) problems.push(problemOf(setting, text));
    else config[key] = read.value;
  }
  problems.push(...unknownNames(settings, env, options.prefix));
  problems.push(...(options.check?.(config as Partial<ConfigOf<S>>) ?? []));
  if (problems.length > 0) throw new ConfigError(problems);
  return config as ConfigOf<S>;
}

function textOf(setting: Setting, env: Environment): string | undefined {
  const given = env[setting.name];
  return given === undefined || (given === '' && !setting.takesEmpty) ? setting.default : given;
}

function problemOf({ name, secret, schema: { expected } }: Setting, text: string): ConfigProblem {
  if (SERVICE_ADDRESS.test(text) && name.endsWith('_PORT'))
    return {
      name,
      wrong: 'is what Kubernetes sets for a service of that name',
      expected: `${expected}: set it, or enableServiceLinks: false`,
    };
  return { name, wrong: secret ? 'is not right' : `is ${quoted(text)}`, expected };
}

function unknownNames(settings: Settings, env: Environment, prefix: string | undefined): ConfigProblem[] {
  if (prefix === undefined) return [];
  const known = Object.values(settings).map(({ name }) => name);
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && env[name] !== undefined && !known.includes(name))
    .filter((name) => !isServiceLink(name, env[name]!))
    .map((name) => {
      const meant = nearName(name, known);
      return {
        name: printable(name, LONGEST_SHOWN),
        wrong: meant === undefined ? 'is not known' : `is not known, did you mean ${meant}?`,
        expected: '',
      };
    });
}

function isServiceLink(name: string, text: string): boolean {
  return SERVICE_LINK.test(name) || (name.endsWith('_PORT') && SERVICE_ADDRESS.test(text));
}

function quoted(text: string): string {
  return text === '' ? 'empty' : `"${printable(text, LONGEST_SHOWN)}"`;
}
