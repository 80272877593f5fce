import type { IncomingHttpHeaders } from 'node:http';
import { PixError } from '@pixtorrent/core';
import { IngestError } from './errors.ts';
import { checkPublication, type Publication } from './ingestor.ts';

/** Why a request cannot be meant: nothing of its body is read. */
export class PutError extends PixError<'bad-request' | 'length-required' | 'media-type'> {}

/** What is put, as the request has it. */
export interface PutRequest {
  readonly publication: Publication;
  /** Of the file or folder. */
  readonly name: string;
  readonly directory: boolean;
  /** Bytes of the file, where it is known. */
  readonly size?: number;
}

const ARCHIVE = 'application/x-tar';
const PARAMETERS: ReadonlySet<string> = new Set(['replicas', 'label', 'piece-length']);

/**
 * - `NAME/FILE`: one file, whatever it is
 * - `NAME/`, with the type of a tar archive: what is in it, as a folder that is called like the last part of the name
 *
 * @param path what follows the prefix, decoded @param folder whether it ends in a slash
 * @throws PutError
 */
export function readPut(
  path: readonly string[],
  folder: boolean,
  query: string,
  headers: IncomingHttpHeaders,
): PutRequest {
  refuseParts(headers);
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (folder && type !== ARCHIVE)
    throw new PutError('media-type', `a folder comes as a tar archive: content-type: ${ARCHIVE}`);
  const name = (folder ? path : path.slice(0, -1)).join('/');
  if (name === '')
    throw new PutError('bad-request', 'give a path such as NAME/FILE, or NAME/ for an archive');
  const publication = publicationOf(name, new URLSearchParams(query));
  const length = headers['content-length'];
  if (length === undefined && headers['transfer-encoding'] === undefined)
    throw new PutError('length-required', 'give its length, or send it in chunks');
  return {
    publication,
    name: path.at(-1)!,
    directory: folder,
    // Of an archive it is the size of the archive, and not of what is in it.
    ...(length !== undefined && !folder && { size: Number(length) }),
  };
}

/** What comes would not be what was meant. @throws PutError */
function refuseParts(headers: IncomingHttpHeaders): void {
  if (headers['content-range'] !== undefined)
    throw new PutError('bad-request', 'content-range: content is put as a whole');
  if (headers['content-encoding'] !== undefined)
    throw new PutError('media-type', 'content-encoding: content is put as it is');
}

/** @throws PutError */
function publicationOf(name: string, parameters: URLSearchParams): Publication {
  for (const parameter of parameters.keys())
    if (!PARAMETERS.has(parameter))
      throw new PutError('bad-request', `${parameter}: there are ${[...PARAMETERS].join(', ')}`);
  const replicas = once(parameters, 'replicas') ?? 'all';
  const pieceLength = once(parameters, 'piece-length');
  const labels: Record<string, string> = Object.create(null);
  for (const label of parameters.getAll('label')) {
    const [key, ...value] = label.split('=') as [string, ...string[]];
    if (value.length === 0) throw new PutError('bad-request', 'label: give KEY=VALUE, encoded as a query is');
    labels[key] = value.join('=');
  }
  const publication: Publication = {
    name,
    labels,
    replicas: replicas === 'all' ? 'all' : whole('replicas', replicas),
    ...(pieceLength !== undefined && { pieceLength: whole('piece-length', pieceLength) }),
  };
  try {
    checkPublication(publication);
  } catch (error) {
    throw error instanceof IngestError ? new PutError('bad-request', error.message, { cause: error }) : error;
  }
  return publication;
}

function once(parameters: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = parameters.getAll(name);
  if (more.length > 0) throw new PutError('bad-request', `${name}: is given more than once`);
  return value;
}

function whole(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new PutError('bad-request', `${name}: give a whole number`);
}
