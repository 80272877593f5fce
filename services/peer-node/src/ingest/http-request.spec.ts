import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PutError, readPut } from './http-request.ts';

const CHUNKED = { 'transfer-encoding': 'chunked' };

it('has what is put, under which name, and how many are to hold it', () => {
  expect(readPut(['a', 'b', 'c.bin'], false, '?label=k=v&replicas=all', { 'content-length': '7' })).toEqual({
    publication: { name: 'a/b', replicas: 'all', labels: { k: 'v' } },
    name: 'c.bin',
    directory: false,
    size: 7,
  });
  // Its length is that of the archive.
  const headers = { 'content-type': 'Application/X-Tar; q=1', 'content-length': '7' };
  expect(readPut(['a', 'b'], true, '', headers)).toEqual({
    publication: { name: 'a/b', replicas: 'all', labels: {} },
    name: 'b',
    directory: true,
  });
});

it('wants a length, or chunks', () => {
  const code = { code: 'length-required' };
  expect(() => readPut(['a', 'f'], false, '', {})).toThrow(expect.objectContaining(code));
});

it('is a request or refused, whatever the query is', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(...'?&=%2elabreplicas-0123__proto') }),
  );
  fc.assert(
    fc.property(text, (query) => {
      try {
        const { labels } = readPut(['a', 'f'], false, query, CHUNKED).publication;
        for (const value of Object.values(labels)) expect(typeof value).toBe('string');
      } catch (error) {
        expect(error).toBeInstanceOf(PutError);
      }
    }),
  );
});
