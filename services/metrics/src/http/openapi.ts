import { z } from 'zod';
import { createDocument } from 'zod-openapi';
import { ProblemDetails, SwarmDetail, SwarmList } from './schemas.ts';

/** What the JSON API takes and answers, as OpenAPI 3.1 has it. */
export function openapi(): object {
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'The health of swarms',
      version: '1.0.0',
      description: 'What nodes report comes to: the definitions are in docs/metrics.md.',
    },
    paths: {
      '/v1/swarms': {
        get: {
          operationId: 'listSwarms',
          summary: 'All swarms that nodes report',
          responses: { 200: answer('All of them, by name', SwarmList) },
        },
      },
      '/v1/swarms/{name}': {
        get: {
          operationId: 'getSwarm',
          summary: 'One swarm, with its nodes',
          requestParams: {
            path: z.object({ name: z.string().describe('NAME@VERSION, or an info hash in hexadecimal') }),
          },
          responses: {
            200: answer('The swarm', SwarmDetail),
            404: {
              description: 'No node reports it',
              content: { 'application/problem+json': { schema: ProblemDetails } },
            },
          },
        },
      },
    },
  });
}

function answer(description: string, schema: z.ZodType) {
  return { description, content: { 'application/json': { schema } } };
}
