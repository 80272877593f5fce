import type { Swarm, SwarmHealth } from '@pixtorrent/swarm-health';

/** @param name NAME@VERSION, or an info hash in hexadecimal */
export function findSwarm({ swarms }: SwarmHealth, name: string): Swarm | undefined {
  const byHash = swarms.get(name.toLowerCase());
  if (byHash !== undefined) return byHash;
  for (const swarm of swarms.values()) if (swarm.name === name) return swarm;
  return undefined;
}
