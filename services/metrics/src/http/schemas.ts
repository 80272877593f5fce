import { z } from 'zod';

/** The answers of the JSON API: their types, and what `/v1/openapi.json` says of them, are made from these. */

const count = z.int().min(0);
const ratio = z.number().min(0).max(1);
const seconds = z.number().min(0);
const rate = z.number().min(0).describe('Bytes a second');
const bytes = count.describe('Bytes');

const completion = z
  .object({ min: ratio, p10: ratio, p50: ratio, p90: ratio })
  .describe(
    'Part of the content that nodes have: the least, and the 10th, 50th and 90th percentile of nodes',
  );

const tracker = z
  .object({
    seeders: count,
    leechers: count,
    completed: count.describe('How many peers have said that they became whole'),
    announced: count.describe('Nodes that report, and that say that they are announced'),
    others: count.describe('Peers beside these: ordinary clients, and nodes that do not report'),
  })
  .describe('What the tracker says of the swarm');

const warning = z
  .object({
    code: z.string().describe('What it is about'),
    severity: z.enum(['critical', 'warning']),
    message: z.string().describe('A sentence that names what and who'),
    seconds: seconds.describe('For how long it has been so'),
  })
  .describe('What somebody should look at');

const figures = {
  infoHash: z.string().regex(/^[0-9a-f]{40}$/),
  name: z.string().describe('NAME@VERSION; empty where no node knew it'),
  size: bytes,
  pieces: count,
  nodes: count.describe('Nodes that are to have all of it'),
  whole: count.describe('Those of them that have'),
  partial: count.describe('Nodes that get only what is read of it'),
  availability: count.describe('Copies of the rarest piece'),
  distributedCopies: z
    .number()
    .min(0)
    .describe('Whole copies, and the part of the pieces that have one more'),
  piecesByCopies: z
    .array(count)
    .length(7)
    .describe('Pieces of which there are 0, 1, 2, 3, 4 to 7, 8 to 15, 16 and more copies'),
  completion,
  secondsLeft: seconds
    .nullable()
    .describe('Until the last node is whole, at the rates of now; null where no end is in sight'),
  stragglerRatio: z
    .number()
    .min(0)
    .describe('Time of the slowest node over that of the median; 0 where it is not known'),
  slowest: z
    .string()
    .nullable()
    .describe('The node that takes longest of those that lack something; null where none does'),
  seederAmplification: z
    .number()
    .min(0)
    .describe('Bytes that the first seeders sent over those of the content'),
  duplicateRatio: ratio.describe('Part of all bytes that came that were there already'),
  wasteRatio: ratio.describe('Part of all bytes that came that nobody waited for'),
  spreadSeconds: z
    .array(seconds)
    .max(4)
    .describe(
      'From the first node that had a piece until 10, 50, 90 and 99 % of the nodes had it, the median over all pieces; ends where it has not come that far',
    ),
  bytesAcrossZones: bytes,
  bytesBetweenNodes: bytes,
  received: bytes,
  sent: bytes,
  stalled: count.describe('Nodes that want data and get none'),
  failedPieces: count.describe('Pieces whose hash was wrong'),
  downRate: rate,
  soleHolder: z
    .string()
    .nullable()
    .describe('The node with most pieces that nobody else has; null where there are none'),
  solePieces: count.describe('The number of these'),
  warnings: z.array(warning).describe('The worst first'),
  tracker: tracker.nullable().describe('Null where no tracker is followed, or it is away'),
};

const peerBytes = z.object({
  peer: z.string().describe('Name of a node, or HOST:PORT'),
  received: bytes,
  sent: bytes,
});

export const Swarm = z.object(figures).meta({ id: 'Swarm', description: 'How healthy a swarm is' });

export const Member = z
  .object({
    node: z.string(),
    zone: z.string().describe('Empty for unknown'),
    partial: z.boolean().describe('It gets only what is read of it'),
    completion: ratio,
    pieces: z
      .base64()
      .describe('A bit a piece, high bit first; empty where those of all nodes are more than 16 MiB'),
    downRate: rate,
    upRate: rate,
    solePieces: count.describe('Pieces that would be lost with this node'),
    stalled: z.boolean(),
    silentSeconds: seconds.describe('Since it reported last'),
    announced: z.boolean().describe('A tracker knows of it, by its own word'),
    peers: z.array(peerBytes).describe('What moved from and to whom, by its last report'),
  })
  .meta({ id: 'Member', description: 'How it is with one node of a swarm' });

export const SwarmList = z
  .object({ swarms: z.array(Swarm) })
  .meta({ id: 'SwarmList', description: 'All swarms, by name' });

export const SwarmDetail = z
  .object({ ...figures, members: z.array(Member) })
  .meta({ id: 'SwarmDetail', description: 'One swarm, with its nodes' });

export const ProblemDetails = z
  .object({ type: z.string(), title: z.string(), status: z.int(), detail: z.string().optional() })
  .meta({ id: 'Problem', description: 'Why a request was not served, as RFC 9457 has it' });

export type SwarmJson = z.infer<typeof Swarm>;
export type MemberJson = z.infer<typeof Member>;
export type SwarmListJson = z.infer<typeof SwarmList>;
export type SwarmDetailJson = z.infer<typeof SwarmDetail>;
