import { Controller, Get } from '@nestjs/common';
import { openapi } from './openapi.ts';

/** What there is to ask, for programs. */
@Controller('v1/openapi.json')
export class OpenapiController {
  readonly #document = openapi();

  @Get()
  document(): object {
    return this.#document;
  }
}
