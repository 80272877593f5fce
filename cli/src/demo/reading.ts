import { CliError } from '../errors.ts';
import { interrupted } from '../interrupt.ts';
import { generatedBytes } from './content.ts';

/** What was read of the content through one node. Bytes and seconds. */
export interface Reading {
  readonly node: string;
  /** That the node had when it was asked. */
  readonly have: number;
  readonly length: number;
  /** From the request to the first byte. */
  readonly firstByte: number;
}

const LENGTH = 1024 * 1024;

/**
 * Reads the end of the content over HTTP, and compares it.
 * @throws CliError where the node does not give it, or gives something else
 */
export async function readEnd(
  node: { readonly name: string; readonly figures: { readonly have: number } },
  url: string,
  size: number,
): Promise<Reading> {
  const length = Math.min(LENGTH, size);
  const { have } = node.figures;
  const began = performance.now();
  const response = await fetch(url, {
    headers: { range: `bytes=${size - length}-` },
    signal: interrupted,
  });
  if (response.status !== 206)
    throw new CliError(
      'refused',
      `${node.name} does not give what it is asked for: ${await response.text()}`,
    );
  let firstByte = 0;
  const parts: Uint8Array[] = [];
  for await (const part of response.body!) {
    if (parts.length === 0) firstByte = (performance.now() - began) / 1000;
    parts.push(part);
  }
  if (!Buffer.concat(parts).equals(generatedBytes(size - length, length)))
    throw new CliError('not-whole', `what ${node.name} gives over HTTP differs from the source`);
  return { node: node.name, have, length, firstByte };
}
