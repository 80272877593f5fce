import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hashOf, ServedMetrics, torrentReport } from '../fixtures/served-metrics.ts';
import { ProblemDetails, SwarmDetail, SwarmList } from './schemas.ts';

type Json = Record<string, unknown>;

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly required?: boolean;
  }[];
  readonly responses: Record<string, { description: string; content: Record<string, { schema: Json }> }>;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, { readonly get: Operation }>;
  readonly components: { readonly schemas: Record<string, Json> };
}

let service: ServedMetrics | undefined;

afterEach(async () => {
  await service?.close();
  service = undefined;
});

/** Swarms of every kind: whole, half, lost, empty of nodes that are to have it, and one that a node is stalled in. */
async function start(): Promise<ServedMetrics> {
  service = await ServedMetrics.start();
  const [a, b] = [service.node('a'), service.node('b')];
  const [lost, read, waiting] = [hashOf(2), hashOf(3), hashOf(4)];
  await a.report([
    torrentReport(8, { sent: 6000, announced: true }),
    torrentReport(7, { infoHash: lost }),
    torrentReport(3, { infoHash: read, partial: true }),
    torrentReport(0, { infoHash: waiting, stalledMs: 20_000 }),
  ]);
  const peers = [{ peer: 'a', received: 4000, sent: 0 }];
  await b.report([torrentReport(4, { received: 4000, duplicate: 1000, wasted: 1, peers })], {
    zone: 'there',
  });
  return service;
}

const get = async (path: string): Promise<Json> => (await (await service!.get(path)).json()) as Json;
const NAMES = [1, 2, 3, 4].map((fill) => hashOf(fill).toString('hex'));

describe('every answer', () => {
  it('is as its schema says, and has nothing beside', async () => {
    await start();
    const list = await get('/v1/swarms');
    expect(SwarmList.parse(list)).toEqual(list);
    expect(list.swarms).toHaveLength(4);
    for (const name of NAMES) {
      const one = await get(`/v1/swarms/${name}`);
      expect(SwarmDetail.parse(one)).toEqual(one);
    }
    const problem = await get('/v1/swarms/none');
    expect(ProblemDetails.parse(problem)).toEqual(problem);
  });

  it('is as the document says that is served, by whoever reads that', async () => {
    await start();
    const document = (await get('/v1/openapi.json')) as unknown as Document;
    const schemaOf = (path: string, status: string): z.ZodType => {
      const [{ schema }] = Object.values(document.paths[path]!.get.responses[status]!.content) as [
        { schema: Json },
      ];
      // JSON Schema has the same below `$defs` that OpenAPI has in its components.
      const text = JSON.stringify({ ...schema, $defs: document.components.schemas });
      return z.fromJSONSchema(JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')));
    };
    schemaOf('/v1/swarms', '200').parse(await get('/v1/swarms'));
    for (const name of NAMES) schemaOf('/v1/swarms/{name}', '200').parse(await get(`/v1/swarms/${name}`));
    schemaOf('/v1/swarms/{name}', '404').parse(await get('/v1/swarms/none'));
    const wrong = { ...(await get('/v1/swarms/model@1')), availability: -1 };
    expect(() => schemaOf('/v1/swarms/{name}', '200').parse(wrong)).toThrow();
  });
});

it('is described by a document of OpenAPI 3.1 that is whole', async () => {
  await start();
  const document = (await get('/v1/openapi.json')) as unknown as Document;
  expect(document.openapi).toMatch(/^3\.1\.\d+$/);
  expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
  expect(Object.keys(document.paths)).toEqual(['/v1/swarms', '/v1/swarms/{name}']);
  const ids = new Set<string>();
  for (const [path, { get: operation }] of Object.entries(document.paths)) {
    ids.add(operation.operationId);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(operation.parameters ?? []).toEqual(
      inPath.map((name) =>
        expect.objectContaining({ in: 'path', name, required: true, schema: expect.anything() }),
      ),
    );
    for (const [status, response] of Object.entries(operation.responses)) {
      expect(status).toMatch(/^[1-5]\d\d$/);
      expect(response.description).not.toBe('');
    }
  }
  expect(ids.size).toBe(Object.keys(document.paths).length);
  for (const name of Object.keys(document.components.schemas)) expect(name).toMatch(/^[\w.-]+$/);
  const named = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
  for (const [, name] of named) expect(document.components.schemas).toHaveProperty(name!);
});
