import { createHash, timingSafeEqual } from 'node:crypto';
import type { ValueSchema } from '../config/setting.ts';
import { value } from '../config/values.ts';
import { WatchedFiles, type WatchedFilesDependencies } from '../files/watched-files.ts';

export type TokenVerdict = 'accepted' | 'missing' | 'wrong';

export interface TokenFileOptions {
  /** What they are for: `control tokens`. A constant: it is a label of metrics. */
  readonly name: string;
  /** Tokens, separated by blanks or lines. */
  readonly path: string;
  /** Milliseconds between two looks at the file. @default 10,000 */
  readonly period?: number;
}

/** As RFC 6750 has them, and long enough not to be guessed. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,512}=*$/;
const MOST = 64;
/** Characters of a header that is looked at. */
const LONGEST_HEADER = 1024;
const EXPECTED = `1 to ${MOST} tokens of 16 to 512 letters, digits and ._~+/- each, separated by blanks`;

/** Tokens by which callers show that they may; several, so that a new one can be spread before the old one goes. */
export class BearerTokens {
  readonly #hashes: () => readonly Buffer[];
  readonly #close: () => void;

  private constructor(hashes: () => readonly Buffer[], close = () => {}) {
    this.#hashes = hashes;
    this.#close = close;
  }

  /** @throws RangeError where they cannot be used */
  static fromText(text: string): BearerTokens {
    const hashes = parse(text);
    return new BearerTokens(() => hashes);
  }

  /** From a file that is read again when it changes. @throws ConfigError where it cannot be used */
  static fromFile(dependencies: WatchedFilesDependencies, options: TokenFileOptions): BearerTokens {
    const { path, ...rest } = options;
    const files = new WatchedFiles(dependencies, { ...rest, paths: [path], parse: ([text]) => parse(text!) });
    return new BearerTokens(
      () => files.current,
      () => files.close(),
    );
  }

  /** @param authorization the header or metadatum of that name */
  judge(authorization: string | undefined): TokenVerdict {
    if (authorization === undefined || authorization === '') return 'missing';
    if (authorization.length > LONGEST_HEADER) return 'wrong';
    const token = /^bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (token === undefined) return 'wrong';
    const given = hashOf(token);
    let known = false;
    // All of them, so that the time tells nothing; of hashes, so that all are of one length.
    for (const hash of this.#hashes()) known = timingSafeEqual(hash, given) || known;
    return known ? 'accepted' : 'wrong';
  }

  /** Looks at the file no more. */
  close(): void {
    this.#close();
  }
}

/** Tokens in a variable, for `BearerTokens.fromText`. */
export function bearerTokens(): ValueSchema<string> {
  return value(EXPECTED, (text) => {
    try {
      parse(text);
      return text;
    } catch {
      return undefined;
    }
  });
}

function parse(text: string): readonly Buffer[] {
  const tokens = text.split(/\s+/).filter((token) => token !== '');
  if (tokens.length === 0 || tokens.length > MOST || !tokens.every((token) => TOKEN.test(token)))
    throw new RangeError(`expected ${EXPECTED}`);
  return tokens.map(hashOf);
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
