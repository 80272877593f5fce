import { PixError } from '@pixtorrent/core';

/** Hashing did not happen: the hasher was closed, or the thread that did it broke down. */
export class HashError extends PixError<'closed' | 'worker-failed'> {}
