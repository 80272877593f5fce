import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { EventClient } from './event-client.ts';

/** A response whose reader reads when it is told to. */
class Reader extends PassThrough {
  constructor() {
    super({ highWaterMark: 1 });
  }

  writeHead(): this {
    return this;
  }

  /** Everything that waits for it. */
  catchUp(): string {
    let text = '';
    for (let part = this.read(); part !== null; part = this.read()) text += part;
    return text;
  }
}

function open(): { reader: Reader; client: EventClient } {
  const reader = new Reader();
  const client = new EventClient(reader as unknown as ServerResponse);
  reader.catchUp();
  return { reader, client };
}

const large = `event: x\ndata: ${'x'.repeat(100_000)}\n\n`;

it('who reads too slowly misses changes, is told all of it when it has caught up, and never more than little waits', () => {
  const { reader, client } = open();
  client.tell(undefined, () => 'whole 1 ', 0);
  expect(reader.catchUp()).toBe('whole 1 ');
  let most = 0;
  for (let n = 1; n < 20; n++) {
    expect(client.tell(large, () => 'never', n)).toBe(true);
    most = Math.max(most, reader.writableLength);
  }
  expect(most).toBeLessThan(400_000);
  reader.catchUp();
  client.tell('change ', () => 'whole 2 ', 30);
  expect(reader.catchUp()).toBe('whole 2 ');
  client.tell('change ', () => 'never', 40);
  expect(reader.catchUp()).toBe('change ');
});

it('who does not read for half a minute is let go', () => {
  const { client } = open();
  client.tell(undefined, () => large, 0);
  expect(client.tell('change', () => 'never', 1000)).toBe(true);
  expect(client.tell('change', () => 'never', 31_001)).toBe(false);
});

it('is told that the connection lives where there is nothing else to tell', () => {
  const { reader, client } = open();
  client.tell(undefined, () => 'whole', 0);
  reader.catchUp();
  client.tell(undefined, () => 'never', 4999);
  expect(reader.catchUp()).toBe('');
  client.tell(undefined, () => 'never', 5000);
  expect(reader.catchUp()).toBe('event: alive\ndata: 0\n\n');
});
