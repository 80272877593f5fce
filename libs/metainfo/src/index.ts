export * from './metainfo.ts';
