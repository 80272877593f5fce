import type { Namespace } from '../support/kubernetes.ts';
import { isReady } from '../support/kubernetes.ts';
import { Process, until } from '../support/processes.ts';
import { PrometheusServer } from '../support/prometheus-server.ts';
import type { Scope } from '../support/scope.ts';

const IMAGE = process.env.PIXTORRENT_PROMETHEUS_IMAGE || 'prom/prometheus:v3.5.0';
const NAME = 'prometheus';
const LABELS = { 'app.kubernetes.io/name': NAME };

/** Scrapes what says of itself that it may be scraped, as everybody's Prometheus does. */
const PODS = [
  {
    job_name: 'pixtorrent',
    kubernetes_sd_configs: [{ role: 'pod', namespaces: { own_namespace: true } }],
    relabel_configs: [
      {
        source_labels: ['__meta_kubernetes_pod_annotation_prometheus_io_scrape'],
        action: 'keep',
        regex: 'true',
      },
      {
        source_labels: ['__meta_kubernetes_pod_annotation_prometheus_io_path'],
        target_label: '__metrics_path__',
      },
      {
        source_labels: ['__meta_kubernetes_pod_ip', '__meta_kubernetes_pod_annotation_prometheus_io_port'],
        separator: ':',
        target_label: '__address__',
      },
      { source_labels: ['__meta_kubernetes_pod_phase'], action: 'drop', regex: 'Pending|Succeeded|Failed' },
      { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
      { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
    ],
  },
];

/**
 * Prometheus in a pod, which finds the pods of its namespace by their annotations.
 * @param files of rules
 */
export async function startPrometheus(
  scope: Scope,
  namespace: Namespace,
  files: Readonly<Record<string, unknown>>,
): Promise<PrometheusServer> {
  const configuration = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: Object.keys(files),
    scrape_configs: PODS,
  };
  const data = Object.entries({ ...files, 'prometheus.yaml': configuration }).map(([name, content]) => [
    name,
    JSON.stringify(content),
  ]);
  for (const object of [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: NAME } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: NAME },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: NAME },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: NAME },
      subjects: [{ kind: 'ServiceAccount', name: NAME }],
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME }, data: Object.fromEntries(data) },
    pod(),
  ])
    await namespace.apply(object);
  await until(
    90,
    async () => (await namespace.pods(`app.kubernetes.io/name=${NAME}`)).find(isReady),
    () => new Error('Prometheus did not start'),
  );
  const forward = await Process.start(scope, 'the way to Prometheus', [
    'kubectl',
    ...['--namespace', namespace.name, 'port-forward', `pod/${NAME}`, ':9090'],
  ]);
  const line = await forward.line('its port', (said) => said.startsWith('Forwarding from 127'), 30);
  return PrometheusServer.at(Number(/:(\d+) /.exec(line)![1]));
}

function pod(): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: NAME, labels: LABELS },
    spec: {
      serviceAccountName: NAME,
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsNonRoot: true, runAsUser: 65_534, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: NAME,
          image: IMAGE,
          imagePullPolicy: 'IfNotPresent',
          args: ['--config.file=/etc/swarm/prometheus.yaml', '--storage.tsdb.path=/data'],
          readinessProbe: { httpGet: { path: '/-/ready', port: 9090 }, periodSeconds: 1 },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [
            { name: 'configuration', mountPath: '/etc/swarm' },
            { name: 'data', mountPath: '/data' },
          ],
        },
      ],
      volumes: [
        { name: 'configuration', configMap: { name: NAME } },
        { name: 'data', emptyDir: {} },
      ],
    },
  };
}
