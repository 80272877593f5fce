export { descriptors } from './generated/descriptors.ts';
export * as catalog from './generated/pixtorrent/catalog/v1/catalog.ts';
export * as tracker from './generated/pixtorrent/tracker/v1/tracker.ts';
