import { getSystemErrorMessage } from 'node:util';
import { ClientError, type ClientErrorCode } from '@pixtorrent/client';
import { PixError, printable } from '@pixtorrent/core';
import { MetainfoError } from '@pixtorrent/metainfo';
import { NetworkError, StorageError, type StorageErrorCode } from '@pixtorrent/node-io';
import { CliError, type CliErrorCode } from './errors.ts';
import { ExitCode } from './exit-codes.ts';

/** Why a command ends: how the process exits, and what is said. */
export interface Failure {
  readonly exitCode: ExitCode;
  /** Stable, for programs. */
  readonly code: string;
  /** One printable line for people: what was wrong, where, and what to do. */
  readonly message: string;
  /** True where nobody foresaw it. */
  readonly internal: boolean;
}

const CLI_CODES: Readonly<Record<CliErrorCode, ExitCode>> = {
  usage: ExitCode.usage,
  'bad-input': ExitCode.badInput,
  exists: ExitCode.badInput,
  'not-whole': ExitCode.badInput,
  'no-peers': ExitCode.network,
  unreachable: ExitCode.network,
  refused: ExitCode.badInput,
  interrupted: ExitCode.interrupted,
  'node-ended': ExitCode.badInput,
};

const CLIENT_CODES: Readonly<Record<ClientErrorCode, ExitCode>> = {
  'already-open': ExitCode.usage,
  'nothing-to-seed': ExitCode.badInput,
  closed: ExitCode.network,
  'no-metadata': ExitCode.network,
  unavailable: ExitCode.badInput,
  stalled: ExitCode.network,
  failed: ExitCode.disk,
  'bad-content': ExitCode.badInput,
};

const ADVICE: Readonly<Partial<Record<StorageErrorCode, string>>> = {
  'disk-full': 'free some space and run the same command again: it goes on where it was',
  permission: 'choose another --dir, or change who may write there',
  'unsafe-path': 'nothing is written through links: choose another --dir, or remove it',
};

/** Calls of the system that are about the network; the others are about files. */
const NETWORK_CALLS: ReadonlySet<string> = new Set(['listen', 'bind', 'connect', 'getaddrinfo']);
/** A path that was named is not there, or not of its kind. */
const WRONG_PATH: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ELOOP']);

/** What an error means for whoever called the command. */
export function failureOf(error: unknown): Failure {
  if (error instanceof PixError) {
    const advice = error instanceof StorageError ? ADVICE[error.code] : undefined;
    const message = advice === undefined ? error.message : `${error.message}; ${advice}`;
    return { exitCode: exitCodeOf(error), code: error.code, message: oneLine(message), internal: false };
  }
  if (isSystemError(error)) return systemFailure(error);
  const message = error instanceof Error ? error.message : String(error);
  return {
    exitCode: ExitCode.badInput,
    code: 'internal',
    message: oneLine(`internal error: ${message} (--verbose shows where)`),
    internal: true,
  };
}

function exitCodeOf(error: PixError): ExitCode {
  if (error instanceof CliError) return CLI_CODES[error.code];
  if (error instanceof ClientError) return CLIENT_CODES[error.code];
  if (error instanceof StorageError) return error.code === 'missing' ? ExitCode.badInput : ExitCode.disk;
  if (error instanceof MetainfoError) return ExitCode.badInput;
  if (error instanceof NetworkError) return ExitCode.network;
  return error.name === 'TrackerError' ? ExitCode.network : ExitCode.badInput;
}

interface SystemError extends NodeJS.ErrnoException {
  readonly code: string;
  readonly syscall: string;
  readonly errno: number;
  readonly address?: string;
  readonly port?: number;
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'errno' in error && 'code' in error;
}

function systemFailure(error: SystemError): Failure {
  const reason = typeof error.errno === 'number' ? getSystemErrorMessage(error.errno) : error.code;
  const network = NETWORK_CALLS.has(error.syscall);
  const place = network ? `${error.address ?? 'every address'} port ${error.port ?? '?'}` : error.path;
  const wrongPath = WRONG_PATH.has(error.code);
  return {
    exitCode: network ? ExitCode.network : wrongPath ? ExitCode.badInput : ExitCode.disk,
    code: error.code.toLowerCase(),
    message: oneLine(`cannot ${error.syscall} ${place ?? ''}: ${reason}`),
    internal: false,
  };
}

function oneLine(message: string): string {
  return printable(message, 1000);
}
