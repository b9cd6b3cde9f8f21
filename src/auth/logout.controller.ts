import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { endpointRequest } from './endpoint-request.ts';
import { Endpoint } from './endpoint.decorator.ts';
import { ENDPOINTS } from './endpoints.ts';
import { LogoutFlow } from './logout-flow.ts';
import { send } from './send.ts';

@Controller()
export class LogoutController {
  readonly #flow: LogoutFlow;

  constructor(flow: LogoutFlow) {
    this.#flow = flow;
  }

  @Endpoint(ENDPOINTS.logout)
  logout(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const seen = endpointRequest(request);
    return send(reply, seen.method === 'POST' ? this.#flow.post(seen) : this.#flow.get(seen));
  }

  @Endpoint(ENDPOINTS.logoutProvider)
  provider(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return send(reply, this.#flow.provider(endpointRequest(request)));
  }

  @Endpoint(ENDPOINTS.loggedOut)
  loggedOut(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return send(reply, this.#flow.loggedOut(endpointRequest(request)));
  }
}
