export type {
  Announce,
  TrackerAnnouncerDependencies,
  TrackerAnnouncerOptions,
  TransferFigures,
} from './trackers/tracker-announcer.ts';
export { TrackerAnnouncer } from './trackers/tracker-announcer.ts';
export type { TrackerStatus } from './trackers/tracker-status.ts';
