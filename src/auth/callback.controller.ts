import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CallbackFlow } from './callback-flow.ts';
import { endpointRequest } from './endpoint-request.ts';
import { Endpoint } from './endpoint.decorator.ts';
import { ENDPOINTS } from './endpoints.ts';
import { send } from './send.ts';

@Controller()
export class CallbackController {
  readonly #flow: CallbackFlow;

  constructor(flow: CallbackFlow) {
    this.#flow = flow;
  }

  @Endpoint(ENDPOINTS.callback)
  callback(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return send(reply, this.#flow.finish(endpointRequest(request)));
  }
}
