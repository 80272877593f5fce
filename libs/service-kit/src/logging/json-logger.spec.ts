import { expect, it } from 'vitest';
import { jsonLogger } from './json-logger.ts';
import { NestLogger } from './nest-logger.ts';

function captured(level: 'debug' | 'info') {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { logger: jsonLogger({ service: 'tracker', level, destination }), lines };
}

it('writes a JSON object a line, whatever comes from the network', () => {
  const { logger, lines } = captured('info');
  logger.child({ frontend: 'http' }).warn('request refused', { reason: 'a\n{"level":"error"}\u001b[31m' });
  logger.debug('not of interest');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[^\n]+\n$/);
  expect(lines[0]).not.toContain('\u001b');
  expect(JSON.parse(lines[0]!)).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    service: 'tracker',
    frontend: 'http',
    msg: 'request refused',
    reason: 'a\n{"level":"error"}\u001b[31m',
  });
});

it('has what Nest says among its lines', () => {
  const { logger, lines } = captured('info');
  const nest = new NestLogger(logger);
  nest.log('Nest application successfully started', 'NestApplication');
  nest.error(new Error('no provider'), 'Injector');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      level: 'error',
      msg: 'nest',
      what: expect.stringContaining('no provider'),
      context: 'Injector',
    }),
  ]);
});
