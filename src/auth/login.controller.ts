import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { endpointRequest } from './endpoint-request.ts';
import { Endpoint } from './endpoint.decorator.ts';
import { ENDPOINTS } from './endpoints.ts';
import { LoginFlow } from './login-flow.ts';
import { send } from './send.ts';

@Controller()
export class LoginController {
  readonly #flow: LoginFlow;

  constructor(flow: LoginFlow) {
    this.#flow = flow;
  }

  @Endpoint(ENDPOINTS.login)
  login(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return send(reply, this.#flow.start(endpointRequest(request)));
  }
}
