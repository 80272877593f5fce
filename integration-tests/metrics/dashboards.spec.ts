import { expect, it } from 'vitest';
import { dashboards } from './dashboards.ts';

const panels = dashboards.flatMap(({ title, panels: all }) =>
  all.filter(({ type }) => type !== 'row').map((panel) => [`${title}, ${panel.title}`, panel] as const),
);

it('there are five', () => {
  expect(dashboards.map(({ uid }) => uid)).toEqual(
    ['overview', 'peer-node', 'redis', 'swarm', 'tracker'].map((name) => `pixtorrent-${name}`),
  );
});

it.each(panels)('%s says what it shows, in what, and what it is like without data', (_, panel) => {
  expect(panel).toMatchObject({
    description: expect.stringMatching(/\.$/),
    datasource: { uid: '$datasource' },
    fieldConfig: {
      defaults: {
        unit: expect.stringMatching(/./),
        noValue: expect.stringMatching(/./),
        thresholds: { steps: expect.arrayContaining([expect.objectContaining({ value: null })]) },
      },
    },
  });
  expect(panel.targets).not.toHaveLength(0);
});

it.each(dashboards.map((board) => [board.title, board] as const))(
  '%s asks for no variable that it has not',
  (_, { panels: all, templating }) => {
    const asked = all
      .flatMap(({ targets = [] }) => targets)
      .flatMap(({ expr }) => [...expr.matchAll(/\$([a-z]\w*)/g)].map(([, name]) => name!));
    const own = templating.list.map(({ name }) => name);
    expect(own).toEqual(expect.arrayContaining([...new Set(asked)]));
    expect(own).toContain('datasource');
    expect(own).toContain('namespace');
  },
);
