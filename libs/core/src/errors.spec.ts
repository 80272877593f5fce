import { describe, expect, it } from 'vitest';
import { printable } from './errors.ts';

describe('printable', () => {
  it('takes terminal control and text direction out of foreign text', () => {
    expect(printable('a\u001b[2Jb\r\nc\u202ed')).toBe('a\ufffd[2Jb\ufffd\ufffdc\ufffdd');
  });

  it('cuts at its limit', () => {
    expect(printable('x'.repeat(500), 10)).toBe('xxxxxxxxx…');
    expect(printable('x\u{1f600}yz', 3)).toBe('x\ufffd…');
  });
});
