import { Controller, Get, Header, Inject, NotFoundException, Param, UseFilters } from '@nestjs/common';
import { type Swarm, SwarmHealth } from '@pixtorrent/swarm-health';
import { ProblemFilter } from './problem.filter.ts';
import type { SwarmDetailJson, SwarmListJson } from './schemas.ts';
import { memberJson, swarmJson } from './swarm-json.ts';

/** Bytes of pieces in one answer, before base64: beyond that it has none. */
const MOST_PIECES = 16 * 2 ** 20;

/** The health of swarms as JSON. */
@Controller('v1/swarms')
@UseFilters(ProblemFilter)
export class SwarmsController {
  readonly #health: SwarmHealth;

  constructor(@Inject(SwarmHealth) health: SwarmHealth) {
    this.#health = health;
  }

  /** All of them, by name. */
  @Get()
  @Header('cache-control', 'no-store')
  list(): SwarmListJson {
    const swarms = Array.from(this.#health.swarms.values(), (swarm) =>
      swarmJson(this.#health.figures(swarm)),
    );
    return {
      swarms: swarms.sort((a, b) => (`${a.name} ${a.infoHash}` < `${b.name} ${b.infoHash}` ? -1 : 1)),
    };
  }

  /** One of them, by NAME@VERSION or by its info hash in hexadecimal, with its nodes. */
  @Get(':name')
  @Header('cache-control', 'no-store')
  one(@Param('name') name: string): SwarmDetailJson {
    const swarm = this.#find(name);
    if (swarm === undefined) throw new NotFoundException(`no node reports a swarm ${name}`);
    const fits = swarm.members.size * (swarm.pieces / 8) <= MOST_PIECES;
    return {
      ...swarmJson(this.#health.figures(swarm)),
      members: Array.from(this.#health.members(swarm), (member) =>
        memberJson(fits ? member : { ...member, pieces: new Uint8Array(0) }),
      ),
    };
  }

  #find(name: string): Swarm | undefined {
    const { swarms } = this.#health;
    const byHash = swarms.get(name.toLowerCase());
    if (byHash !== undefined) return byHash;
    for (const swarm of swarms.values()) if (swarm.name === name) return swarm;
    return undefined;
  }
}
