import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ContinueFlow } from './continue-flow.ts';
import { endpointRequest } from './endpoint-request.ts';
import { Endpoint } from './endpoint.decorator.ts';
import { ENDPOINTS } from './endpoints.ts';
import { send } from './send.ts';

@Controller()
export class ContinueController {
  readonly #flow: ContinueFlow;

  constructor(flow: ContinueFlow) {
    this.#flow = flow;
  }

  @Endpoint(ENDPOINTS.continue)
  goOn(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return send(reply, this.#flow.goOn(endpointRequest(request)));
  }
}
