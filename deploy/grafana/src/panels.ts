import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import {
  BarGaugeDisplayMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  HeatmapCellLayout,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type DataTransformerConfig,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import {
  PanelBuilder as HeatmapBuilder,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  RowsHeatmapOptionsBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import { PanelBuilder as NodeGraphBuilder } from '@grafana/grafana-foundation-sdk/nodegraph';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** The data source that whoever looks has chosen. */
export const DATA_SOURCE = { type: 'prometheus', uid: '$datasource' } as const;
const ROW_HEIGHT = 8;
const STAT_HEIGHT = 4;

/** What a panel asks, and how it names an answer: by a text with `{{label}}`, or its labels. */
export type Query = readonly [expression: string, legend?: string];
export type Unit = 'short' | 'none' | 'bytes' | 'Bps' | 's' | 'percentunit' | 'ops' | 'cps';
/** The least value at which a colour begins; below the first all is well. */
export type Limits = Readonly<Partial<Record<'orange' | 'red', number>>>;

interface Panel {
  readonly title: string;
  /** What is seen, and what is good. */
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** What stands there without data. */
  readonly empty: string;
  readonly limits?: Limits;
  /** Where less is worse: red below the first, orange below the second. */
  readonly floors?: readonly [red: number, orange: number];
  readonly min?: number;
  readonly max?: number;
  /** Of 24 columns. */
  readonly width?: number;
}

type Common =
  | StatBuilder
  | TimeseriesBuilder
  | BarGaugeBuilder
  | TableBuilder
  | HeatmapBuilder
  | NodeGraphBuilder;

function prepared<B extends Common>(builder: B, panel: Panel, width: number, height: number): B {
  const { title, description, unit, empty, min, max } = panel;
  builder
    .title(title)
    .description(description)
    .datasource(DATA_SOURCE)
    .unit(unit)
    .noValue(empty)
    .thresholds(thresholds(panel))
    .span(panel.width ?? width)
    .height(height);
  if (min !== undefined) builder.min(min);
  if (max !== undefined) builder.max(max);
  return builder;
}

function thresholds({ limits = {}, floors }: Panel): ThresholdsConfigBuilder {
  const above = Object.entries(limits).map(([color, value]) => ({ color, value }));
  const steps =
    floors === undefined
      ? [{ color: 'green', value: null }, ...above]
      : [
          { color: 'red', value: null },
          { color: 'orange', value: floors[0] },
          { color: 'green', value: floors[1] },
        ];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

function target([expression, legend]: Query, n: number): DataqueryBuilder {
  const query = new DataqueryBuilder().refId(String.fromCharCode(65 + n)).expr(expression);
  return legend === undefined ? query : query.legendFormat(legend);
}

/** One figure, as it is now. */
export function stat(panel: Panel & { readonly named?: boolean }): StatBuilder {
  const builder = prepared(new StatBuilder(), panel, 4, STAT_HEIGHT)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .graphMode(BigValueGraphMode.Area)
    .colorMode(BigValueColorMode.Value)
    .textMode(panel.named ? BigValueTextMode.ValueAndName : BigValueTextMode.Value);
  panel.queries.forEach((query, n) => {
    builder.withTarget(target(query, n).range());
  });
  return builder;
}

/** How figures were over the time that is looked at. */
export function lines(panel: Panel & { readonly stacked?: boolean }): TimeseriesBuilder {
  const builder = prepared(new TimeseriesBuilder(), panel, 12, ROW_HEIGHT)
    .lineWidth(1)
    .fillOpacity(panel.stacked ? 30 : 10)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (panel.stacked) builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (panel.limits !== undefined || panel.floors !== undefined)
    builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  panel.queries.forEach((query, n) => {
    builder.withTarget(target(query, n).range());
  });
  return builder;
}

/** A bar for each, as it is now. */
export function bars(panel: Panel): BarGaugeBuilder {
  const builder = prepared(new BarGaugeBuilder(), panel, 12, ROW_HEIGHT * 1.5)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Basic);
  panel.queries.forEach((query, n) => {
    builder.withTarget(target(query, n).instant());
  });
  return builder;
}

/**
 * How many of each kind there were over time.
 * @param kinds `from`: series whose names are the least value of their kind; `buckets`: the `le` of a histogram
 */
export function heat(
  panel: Panel & { readonly kinds: 'from' | 'buckets'; readonly axis: string; readonly axisUnit: Unit },
): HeatmapBuilder {
  const builder = prepared(new HeatmapBuilder(), panel, 12, ROW_HEIGHT * 1.25)
    .color(
      new HeatmapColorOptionsBuilder()
        .mode(HeatmapColorMode.Scheme)
        .scheme('Spectral')
        .steps(64)
        .reverse(true)
        .exponent(0.5)
        .fill('dark-orange'),
    )
    .rowsFrame(
      new RowsHeatmapOptionsBuilder()
        .layout(panel.kinds === 'from' ? HeatmapCellLayout.Ge : HeatmapCellLayout.Auto)
        .value(panel.title),
    )
    .yAxis(new YAxisConfigBuilder().axisLabel(panel.axis).unit(panel.axisUnit).decimals(0))
    .showLegend();
  const format = panel.kinds === 'from' ? PromQueryFormat.TimeSeries : PromQueryFormat.Heatmap;
  panel.queries.forEach((query, n) => {
    builder.withTarget(target(query, n).range().format(format));
  });
  return builder;
}

/** A row for each, as it is now. @param columns what a field is called, and how it looks, by its name in the data */
export function table(
  panel: Panel & {
    readonly columns: Readonly<
      Record<string, { readonly title: string; readonly unit?: Unit; readonly link?: string }>
    >;
    readonly height?: number;
  },
): TableBuilder {
  const builder = prepared(new TableBuilder(), panel, 24, panel.height ?? ROW_HEIGHT);
  panel.queries.forEach((query, n) => {
    builder.withTarget(target(query, n).instant().format(PromQueryFormat.Table));
  });
  for (const { title, unit, link } of Object.values(panel.columns))
    builder.overrideByName(title, [
      ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
      ...(link === undefined ? [] : [{ id: 'links', value: [{ title: 'Look closer', url: link }] }]),
    ]);
  return builder.transformations(inColumns(panel.columns));
}

/** Joins the answers of all queries by their labels, and keeps the fields that are named, in that order. */
function inColumns(columns: Readonly<Record<string, { readonly title: string }>>): DataTransformerConfig[] {
  const names = Object.keys(columns);
  return [
    { id: 'merge', options: {} },
    { id: 'filterFieldsByName', options: { include: { names } } },
    {
      id: 'organize',
      options: {
        indexByName: Object.fromEntries(names.map((name, n) => [name, n])),
        renameByName: Object.fromEntries(names.map((name) => [name, columns[name]!.title])),
      },
    },
  ];
}

/** Who is joined to whom. @param panel its query gives labels `id`, `source` and `target` */
export function graph(panel: Panel): NodeGraphBuilder {
  const builder = prepared(new NodeGraphBuilder(), panel, 12, ROW_HEIGHT * 1.5);
  panel.queries.forEach((query, n) => {
    builder.withTarget(target(query, n).instant().format(PromQueryFormat.Table));
  });
  return builder.transformations([
    { id: 'organize', options: { renameByName: { Value: 'mainstat' }, excludeByName: { Time: true } } },
  ]);
}
