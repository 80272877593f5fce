import { afterEach, expect, it, vi } from 'vitest';
import { warningLogger } from './warning-logger.ts';

afterEach(() => vi.restoreAllMocks());

function written(): string[] {
  const lines: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
  return lines;
}

it('shows warnings as one printable line each, and nothing less', () => {
  const lines = written();
  const logger = warningLogger().child({ torrent: 'x' });
  logger.info('unseen');
  logger.debug('unseen');
  logger.warn('peer banned', { peer: 'a\nb\u001b[2J', pieces: 3 });
  expect(lines).toEqual(['warning: peer banned, peer a\ufffdb\ufffd[2J, pieces 3\n']);
});

it('does not let one kind of warning flood the terminal', () => {
  const lines = written();
  const logger = warningLogger();
  for (let count = 0; count < 1000; count++) logger.child({}).warn('piece failed its hash', { piece: count });
  logger.warn('something else');
  expect(lines).toHaveLength(6);
  expect(lines[4]).toContain('--verbose');
});
