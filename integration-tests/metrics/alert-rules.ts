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

/** As far as tests look at it. */
export interface Configuration {
  readonly scrape_configs: readonly { readonly job_name: string }[];
  readonly rule_files: readonly string[];
}

export const PROMETHEUS_FOLDER = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));

/** Milliseconds. */
const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @param name in `deploy/prometheus` */
export function readRules(name: 'rules.yaml' | 'alerts.yaml'): RuleFile {
  return parse(readFileSync(`${PROMETHEUS_FOLDER}${name}`, 'utf8'));
}

export function readConfiguration(): Configuration {
  return parse(readFileSync(`${PROMETHEUS_FOLDER}prometheus.yaml`, 'utf8'));
}

export function rulesOf({ groups }: RuleFile): readonly Rule[] {
  return groups.flatMap(({ rules }) => rules);
}

/** The same rules with all times so many times as short. */
export function hastened({ groups }: RuleFile, times: number): RuleFile {
  const shorter = (text: string): string =>
    text.replace(/(\d+)(ms|s|m|h|d)/g, (_, count: string, unit: keyof typeof UNITS) => {
      return `${Math.round((Number(count) * UNITS[unit]) / times)}ms`;
    });
  return {
    groups: groups.map(({ name, rules }) => ({
      name,
      rules: rules.map((rule) => ({
        ...rule,
        expr: rule.expr.replace(/\[[^\]]+\]/g, shorter),
        ...(rule.for !== undefined && { for: shorter(rule.for) }),
      })),
    })),
  };
}

/** The series that an expression is made of, without what it does with them. */
export function selectors(expr: string): readonly string[] {
  const text = expr.replace(/\b(?:by|without|on|ignoring)\s*\([^)]*\)/g, '');
  return [...text.matchAll(/\b(?:[a-z]+:)?(?:pixtorrent|up\b)[\w:]*(?:{[^}]*})?/g)].map(
    ([selector]) => selector,
  );
}
