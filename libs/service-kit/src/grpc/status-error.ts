import type { status } from '@grpc/grpc-js';
import { PixError } from '@pixtorrent/core';

/** What a call can fail with, by its name in google.rpc.Code. */
export type StatusName = Exclude<keyof typeof status, 'OK'>;

/** A field of a request, in the path syntax of google.rpc.BadRequest: `labels.zone`, `info_hashes[3]`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

export interface StatusDetails {
  /** Goes out as google.rpc.BadRequest; what is beyond 3,000 bytes is left out. */
  readonly fields?: readonly FieldViolation[];
  /** Milliseconds to wait before the same is worth asking again; goes out as google.rpc.RetryInfo. */
  readonly retryAfter?: number;
}

/** How a call fails. The message is meant for the caller, and made printable on its way. */
export class StatusError extends PixError<StatusName> {
  readonly details: StatusDetails;

  constructor(code: StatusName, message: string, details: StatusDetails = {}, options?: ErrorOptions) {
    super(code, message, options);
    this.details = details;
  }
}

/** A request whose fields are wrong, whatever the state of the service. */
export class InvalidArgument extends StatusError {
  /** @param fields at least one */
  constructor(fields: readonly FieldViolation[]) {
    super('INVALID_ARGUMENT', fields.map(({ field, description }) => `${field}: ${description}`).join('; '), {
      fields,
    });
  }
}

/** @param fields at least one */
export function invalid(fields: readonly FieldViolation[]): InvalidArgument {
  return new InvalidArgument(fields);
}
