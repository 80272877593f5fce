import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './ports.ts';
import { Process, until } from './processes.ts';
import type { Scope } from './scope.ts';

const HOST = '127.0.0.1';

/** One answer to a question, as it is now. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

/** A real Prometheus. */
export class PrometheusServer {
  readonly #port: number;

  private constructor(port: number) {
    this.#port = port;
  }

  /** @param files its configuration, `prometheus.json`, and what that names; JSON is YAML */
  static async start(scope: Scope, files: Readonly<Record<string, unknown>>): Promise<PrometheusServer> {
    const folder = await scope.folder();
    for (const [name, content] of Object.entries(files))
      await writeFile(join(folder, name), JSON.stringify(content));
    const port = await freePort();
    const started = await Process.start(scope, 'prometheus', [
      'prometheus',
      `--config.file=${join(folder, 'prometheus.json')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${HOST}:${port}`,
      '--log.level=warn',
    ]);
    const server = new PrometheusServer(port);
    await until(
      30,
      async () => ((await server.#isReady()) ? true : undefined),
      () => started.failure('is not ready'),
    );
    return server;
  }

  /** One that runs already, at a port of this machine. */
  static at(port: number): PrometheusServer {
    return new PrometheusServer(port);
  }

  /** What an expression is now. @throws Error where it is none */
  async query(expression: string): Promise<readonly Sample[]> {
    const { result } = await this.#get<{ result: { metric: Sample['metric']; value: [number, string] }[] }>(
      'query',
      { query: expression },
    );
    return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  /** Values of a label of series. */
  labelValues(label: string, series: string): Promise<readonly string[]> {
    return this.#get(`label/${label}/values`, { 'match[]': series });
  }

  async alerts(): Promise<readonly Alert[]> {
    return (await this.#get<{ alerts: readonly Alert[] }>('alerts', {})).alerts;
  }

  /** What went wrong when rules were computed last, by the name of the rule. */
  async ruleErrors(): Promise<ReadonlyMap<string, string>> {
    type Groups = { groups: { rules: { name: string; lastError?: string }[] }[] };
    const { groups } = await this.#get<Groups>('rules', {});
    const rules = groups.flatMap((group) => group.rules);
    return new Map(rules.flatMap(({ name, lastError }) => (lastError ? [[name, lastError]] : [])));
  }

  async #get<T>(path: string, query: Readonly<Record<string, string>>): Promise<T> {
    const response = await fetch(`http://${HOST}:${this.#port}/api/v1/${path}?${new URLSearchParams(query)}`);
    const answer = (await response.json()) as { data: T; error?: string };
    if (answer.error !== undefined) throw new Error(`${JSON.stringify(query)}: ${answer.error}`);
    return answer.data;
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`http://${HOST}:${this.#port}/-/ready`)).ok;
    } catch {
      return false;
    }
  }
}
