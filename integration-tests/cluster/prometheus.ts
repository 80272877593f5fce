import { imageOf } from '../support/images.ts';
import { isReady, type Namespace } from '../support/kubernetes.ts';
import { Process, until } from '../support/processes.ts';
import { PrometheusServer } from '../support/prometheus-server.ts';
import type { Scope } from '../support/scope.ts';

const IMAGE = process.env.PIXTORRENT_PROMETHEUS_IMAGE || 'prom/prometheus:v3.5.0';
const NAME = 'prometheus';
const LABELS = { 'app.kubernetes.io/name': NAME };

/**
 * In a pod: tells Prometheus of the pods that say of themselves that they may be scraped, as everybody's does. Not all
 * that is built of Prometheus can ask Kubernetes: Debian's cannot.
 */
const DISCOVERY = `
const { readFileSync } = require('node:fs');
const { get } = require('node:https');
const account = (file) => readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/' + file, 'utf8');
const namespace = account('namespace');
const targetsOf = (pods) => pods.flatMap(({ metadata, status }) => {
  const said = (name) => metadata.annotations?.['prometheus.io/' + name];
  if (said('scrape') !== 'true' || status.phase !== 'Running') return [];
  const labels = { job: 'pixtorrent', namespace, pod: metadata.name, __metrics_path__: said('path') };
  return [{ targets: [status.podIP + ':' + said('port')], labels }];
});
require('node:http').createServer((_, answer) => {
  const options = { ca: account('ca.crt'), headers: { authorization: 'Bearer ' + account('token') } };
  get('https://kubernetes.default.svc/api/v1/namespaces/' + namespace + '/pods', options, async (listed) => {
    const targets = targetsOf(JSON.parse(Buffer.concat(await listed.toArray())).items);
    answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(targets));
  }).on('error', (error) => answer.writeHead(500).end(error.message));
}).listen(9091, '127.0.0.1');
`;

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
    scrape_configs: [
      { job_name: 'pods', http_sd_configs: [{ url: 'http://127.0.0.1:9091', refresh_interval: '1s' }] },
    ],
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
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
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
          securityContext,
          volumeMounts: [
            { name: 'configuration', mountPath: '/etc/swarm' },
            { name: 'data', mountPath: '/data' },
          ],
        },
        {
          name: 'discovery',
          image: imageOf('cli'),
          imagePullPolicy: 'IfNotPresent',
          command: ['node', '--eval', DISCOVERY],
          securityContext,
        },
      ],
      volumes: [
        { name: 'configuration', configMap: { name: NAME } },
        { name: 'data', emptyDir: {} },
      ],
    },
  };
}
