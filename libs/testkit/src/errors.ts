import { PixError } from '@pixtorrent/core';

/**
 * `contract`: the code under test broke the contract of a port. `too-many-events`: virtual time did not advance
 * to the end of its run within the bound. `deadline`: a scripted peer waited in vain.
 */
export type TestkitErrorCode = 'contract' | 'too-many-events' | 'deadline' | 'unexpected-bytes' | 'closed';

export class TestkitError extends PixError<TestkitErrorCode> {}
