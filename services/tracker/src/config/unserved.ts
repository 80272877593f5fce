import { ConfigError, type ConfigProblem } from '@pixtorrent/service-kit';
import { type TrackerConfig, trackerSettings } from './tracker-settings.ts';

/**
 * Refuses what is set and would have no effect: a tracker that was told to admit few and admits all is worse than none.
 * @throws ConfigError
 */
export function refuseUnserved(config: TrackerConfig): void {
  const asked: readonly (readonly [keyof typeof trackerSettings, boolean])[] = [
    ['store', config.store === 'redis'],
  ];
  const problems: ConfigProblem[] = asked
    .filter(([, wanted]) => wanted)
    .map(([key]) => ({
      name: trackerSettings[key].name,
      wrong: 'is not served by this build',
      expected: '',
    }));
  if (problems.length > 0) throw new ConfigError(problems);
}
