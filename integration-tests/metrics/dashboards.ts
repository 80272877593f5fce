import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Query {
  readonly expr: string;
  readonly legendFormat?: string;
}

/** As far as tests look at it. */
export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly Query[];
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit?: string;
      readonly noValue?: string;
      readonly thresholds?: { readonly steps: readonly unknown[] };
    };
  };
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
  readonly regex?: string;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
}

const FOLDER = fileURLToPath(new URL('../../deploy/grafana/dashboards/', import.meta.url));

export const dashboards: readonly Dashboard[] = readdirSync(FOLDER).map((name) =>
  JSON.parse(readFileSync(`${FOLDER}${name}`, 'utf8')),
);

/** A question of a panel. */
export interface Question {
  readonly where: string;
  readonly expr: string;
  /** Names of labels that its legend shows. */
  readonly labels: readonly string[];
}

export const questions: readonly Question[] = dashboards.flatMap(({ title, panels }) =>
  panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ expr, legendFormat = '' }) => ({
      where: `${title}, ${panel.title}`,
      expr,
      labels: [...legendFormat.matchAll(/{{(\w+)}}/g)].map(([, label]) => label!),
    })),
  ),
);

/** An expression as Grafana asks it. @param variables by name */
export function filled(expr: string, variables: Readonly<Record<string, string>>): string {
  return expr.replace(/\$(\w+)/g, (whole, name: string) => {
    // A place in a replacement of label_replace.
    if (/^\d/.test(name)) return whole;
    const value = variables[name];
    if (value === undefined) throw new Error(`there is no variable ${name}`);
    return value;
  });
}
