import { printable } from '@pixtorrent/core';
import type { Labels } from '../catalog-store.ts';
import type { FieldFault } from '../errors.ts';

export const MAX_LABELS = 64;
/** Bytes in UTF-8. */
export const MAX_LABEL_KEY_LENGTH = 63;
/** Bytes in UTF-8. */
export const MAX_LABEL_VALUE_LENGTH = 255;

/** What is wrong with labels; nothing where they are fit to be kept. At most one fault a label is told. */
export function labelFaults(labels: Labels): FieldFault[] {
  const pairs = Object.entries(labels);
  if (pairs.length > MAX_LABELS)
    return [{ field: 'labels', reason: `there are ${pairs.length}, at most ${MAX_LABELS} are allowed` }];
  return pairs.flatMap(([key, value]) => {
    const reason = keyFault(key) ?? valueFault(value);
    return reason === undefined ? [] : [{ field: printable(`labels.${key}`, 64), reason }];
  });
}

/** Whether `labels` has all of `wanted`. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}

/** The same labels in one order, whatever order they were given in. */
export function sortedLabels(labels: Labels): (readonly [string, string])[] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}

function keyFault(key: string): string | undefined {
  if (key === '') return 'the key is empty';
  if (!key.isWellFormed()) return 'the key is no Unicode text';
  const length = Buffer.byteLength(key);
  if (length <= MAX_LABEL_KEY_LENGTH) return undefined;
  return `the key has ${length} bytes, at most ${MAX_LABEL_KEY_LENGTH} are allowed`;
}

function valueFault(value: string): string | undefined {
  if (!value.isWellFormed()) return 'the value is no Unicode text';
  const length = Buffer.byteLength(value);
  if (length <= MAX_LABEL_VALUE_LENGTH) return undefined;
  return `the value has ${length} bytes, at most ${MAX_LABEL_VALUE_LENGTH} are allowed`;
}
