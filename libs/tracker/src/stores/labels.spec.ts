import { describe, expect, it } from 'vitest';
import { Labels, NO_LABEL } from './labels.ts';

describe('Labels', () => {
  it('knows a name as long as anybody has it, and gives its number to another afterwards', () => {
    const labels = new Labels();
    const first = labels.take('zone-a');
    expect(labels.take('zone-a')).toBe(first);
    expect(labels.name(first)).toBe('zone-a');
    labels.release(first);
    expect(labels.find('zone-a')).toBe(first);
    labels.release(first);
    expect(labels.find('zone-a')).toBe(NO_LABEL);
    expect(labels.take('zone-b')).toBe(first);
    expect(labels.size).toBe(1);
  });

  it('keeps nothing of what is empty, too long or too much', () => {
    const labels = new Labels();
    expect(labels.take('')).toBe(NO_LABEL);
    expect(labels.take('x'.repeat(64))).toBe(NO_LABEL);
    for (let i = 0; i < 70_000; i++) labels.take(`node-${i}`);
    expect(labels.size).toBe(65_535);
    expect(labels.take('one-more')).toBe(NO_LABEL);
    labels.release(labels.find('node-7'));
    expect(labels.take('one-more')).not.toBe(NO_LABEL);
  });
});
