import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { endpointRequest } from './endpoint-request.ts';
import { Endpoint } from './endpoint.decorator.ts';
import { ENDPOINTS } from './endpoints.ts';
import { PasswordLoginFlow } from './password-login-flow.ts';
import { send } from './send.ts';

@Controller()
export class PasswordLoginController {
  readonly #flow: PasswordLoginFlow;

  constructor(flow: PasswordLoginFlow) {
    this.#flow = flow;
  }

  @Endpoint(ENDPOINTS.passwordLogin)
  passwordLogin(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return send(reply, this.#flow.login(endpointRequest(request)));
  }
}
