export type {
  ChangeFeedDependencies,
  ChangeFeedListener,
  ChangeFeedOptions,
} from './change-feed.ts';
export { ChangeFeed } from './change-feed.ts';
export type { Script } from './script.ts';
export { runScript, script } from './script.ts';
