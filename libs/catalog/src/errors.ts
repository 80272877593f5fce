import { PixError } from '@pixtorrent/core';

/**
 * - `invalid`: what was given is wrong, whatever the catalogue holds; `fields` says where
 * - `full`: no room for one more name, version, or torrent
 * - `unavailable`: the catalogue is kept elsewhere, and that does not answer
 * - `closed`: the store was closed
 */
export type CatalogErrorCode = 'invalid' | 'full' | 'unavailable' | 'closed';

/** One thing that is wrong with what was given. */
export interface FieldFault {
  /** `name`, `torrent`, `replicas`, `labels`, or `labels.KEY`; printable. */
  readonly field: string;
  readonly reason: string;
}

/** Why the catalogue could not do what was asked. The message is meant for the asker. */
export class CatalogError extends PixError<CatalogErrorCode> {
  /** At least one where the code is `invalid`, else none. */
  readonly fields: readonly FieldFault[];

  constructor(
    code: CatalogErrorCode,
    message: string,
    fields: readonly FieldFault[] = [],
    options?: ErrorOptions,
  ) {
    super(code, message, options);
    this.fields = fields;
  }
}

/** @param faults at least one */
export function invalid(faults: readonly FieldFault[]): CatalogError {
  return new CatalogError(
    'invalid',
    faults.map(({ field, reason }) => `${field}: ${reason}`).join('; '),
    faults,
  );
}
