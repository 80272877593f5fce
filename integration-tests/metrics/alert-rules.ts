import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

export const PROMETHEUS_FOLDER = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));

/** @param name in `deploy/prometheus` */
export function readRules(name: 'rules.yaml' | 'alerts.yaml'): RuleFile {
  return parse(readFileSync(`${PROMETHEUS_FOLDER}${name}`, 'utf8'));
}

export function rulesOf({ groups }: RuleFile): readonly Rule[] {
  return groups.flatMap(({ rules }) => rules);
}
