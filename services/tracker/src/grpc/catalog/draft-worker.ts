import { parentPort } from 'node:worker_threads';
import {
  type CatalogDraft,
  CatalogError,
  type DraftInput,
  draftOf,
  type FieldFault,
} from '@pixtorrent/catalog';

export interface DraftJob {
  readonly id: number;
  readonly input: DraftInput;
}

/** What came of a job; the torrent stays where it was. */
export type DraftResult = { readonly id: number } & (
  | { readonly draft: Omit<CatalogDraft, 'torrent'> }
  | { readonly message: string; readonly faults: readonly FieldFault[] }
);

parentPort?.on('message', ({ id, input }: DraftJob) => parentPort?.postMessage(resultOf(id, input)));

function resultOf(id: number, input: DraftInput): DraftResult {
  try {
    const { torrent, ...draft } = draftOf(input);
    return { id, draft };
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return { id, message: error.message, faults: error.fields };
  }
}
