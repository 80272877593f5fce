import { parseAllDocuments } from 'yaml';
import { CHART, helm } from '../support/helm.ts';
import type { Manifest } from './kubernetes-types.ts';

/** What a cluster with the operators of Prometheus and cert-manager knows beside. */
const OPERATORS = ['monitoring.coreos.com/v1/PodMonitor', 'monitoring.coreos.com/v1/PrometheusRule'].flatMap(
  (kind) => ['--api-versions', kind],
);

/** The release `swarm` in the namespace `content`, as helm gives it for these arguments. */
export async function rendered(...args: readonly string[]): Promise<Manifest[]> {
  const { code, stdout, stderr } = await helm(
    'template',
    'swarm',
    CHART,
    '-n',
    'content',
    ...OPERATORS,
    ...args,
  );
  if (code !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** The one of a kind whose name ends so. @throws Error where there is none, or more than one */
export function one(manifests: readonly Manifest[], kind: string, name = ''): Manifest {
  const found = manifests.filter((each) => each.kind === kind && each.metadata.name.endsWith(name));
  if (found.length !== 1) throw new Error(`${found.length} of ${kind} ${name}`);
  return found[0]!;
}

const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Pod'];

/** The pods that come of it, by the names of what makes them. */
// biome-ignore lint/suspicious/noExplicitAny: the shape of a pod is checked elsewhere
export function pods(manifests: readonly Manifest[]): { readonly name: string; readonly spec: any }[] {
  return manifests
    .filter(({ kind }) => WORKLOADS.includes(kind))
    .map(({ kind, metadata, spec }) => ({
      name: `${kind} ${metadata.name}`,
      spec: kind === 'Pod' ? spec : spec.template.spec,
    }));
}
