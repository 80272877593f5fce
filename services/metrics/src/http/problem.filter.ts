import type { ServerResponse } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { writeProblem } from '@pixtorrent/service-kit';

/** Tells what a controller refuses as RFC 9457 has it. */
@Catch(HttpException)
export class ProblemFilter implements ExceptionFilter<HttpException> {
  catch(error: HttpException, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<ServerResponse>();
    writeProblem(response, { status: error.getStatus(), detail: error.message });
  }
}
