import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { endpointRequest } from './endpoint-request.ts';
import { Endpoint } from './endpoint.decorator.ts';
import { ENDPOINTS } from './endpoints.ts';
import { send } from './send.ts';
import { SessionFlow } from './session-flow.ts';

@Controller()
export class SessionController {
  readonly #flow: SessionFlow;

  constructor(flow: SessionFlow) {
    this.#flow = flow;
  }

  @Endpoint(ENDPOINTS.session)
  session(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return send(reply, this.#flow.view(endpointRequest(request)));
  }

  @Endpoint(ENDPOINTS.refresh)
  refresh(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return send(reply, this.#flow.refresh(endpointRequest(request)));
  }
}
