import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DATA_SOURCE } from './panels.ts';

/** Where data comes from. */
export function datasource(): DatasourceVariableBuilder {
  return new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus');
}

/** Of Kubernetes; where there is none, all of them are none. @param metric one that has the label, if any has */
export function namespace(metric: string): QueryVariableBuilder {
  return ofLabel('namespace', 'Namespace', metric, 'namespace');
}

/** What Prometheus calls a kind of service. */
export function job(metric: string): QueryVariableBuilder {
  return ofLabel('job', 'Job', `${metric}{namespace=~"$namespace"}`, 'job');
}

/** The processes of a job. */
export function instance(metric: string): QueryVariableBuilder {
  return ofLabel('instance', 'Instance', `${metric}{namespace=~"$namespace",job=~"$job"}`, 'instance').multi(
    true,
  );
}

/** One swarm: shown by its name, known by its info hash. */
export function swarm(): QueryVariableBuilder {
  return query('swarm', 'Swarm', 'query_result(pixtorrent_swarm_size_bytes{namespace=~"$namespace"})')
    .regex('/info_hash="(?<value>[^"]+)".*name="(?<text>[^"]*)"/')
    .sort(VariableSort.AlphabeticalCaseInsensitiveAsc);
}

function ofLabel(name: string, label: string, metric: string, of: string): QueryVariableBuilder {
  return query(name, label, `label_values(${metric}, ${of})`)
    .sort(VariableSort.NaturalAsc)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: 'All', value: '$__all' });
}

function query(name: string, label: string, text: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATA_SOURCE)
    .query({ query: text, refId: name })
    .definition(text)
    .refresh(VariableRefresh.OnTimeRangeChanged);
}
