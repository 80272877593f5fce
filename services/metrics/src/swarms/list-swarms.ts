import type { metrics as wire } from '@pixtorrent/contracts';
import type { SwarmHealth } from '@pixtorrent/swarm-health';
import { swarmMessage } from './swarm-messages.ts';
import { pageAskedFor } from './swarm-requests.ts';

/** @throws InvalidArgument */
export function listSwarms(health: SwarmHealth, request: wire.ListSwarmsRequest): wire.ListSwarmsResponse {
  const { limit, after } = pageAskedFor(request);
  const keys = [...health.swarms.keys()].filter((key) => key > after).sort();
  const page = keys.slice(0, limit);
  return {
    swarms: page.map((key) => swarmMessage(health, health.swarms.get(key)!)),
    nextPageToken: keys.length > limit ? page.at(-1)! : '',
  };
}
