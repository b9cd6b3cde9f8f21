import type { IncomingMessage, ServerResponse } from 'node:http';
import { BODY_LOST } from '../kernel/body-lost.ts';
import type { Failure } from '../kernel/errors.ts';
import { cutConnection } from './answer-under-way.ts';

/** Answers a request of which nobody knows but the http server's owner. */
export type OnBodyLost = (request: IncomingMessage, response: ServerResponse, failure: Failure) => void;

/** The body of the request that has its turn will not come whole: it is answered, or an answer that has begun is cut off. */
export function tellLost(response: ServerResponse, failure: Failure, onLost: OnBodyLost): void {
  const { req: request } = response;
  if (response.headersSent) return cutConnection(request.socket);
  response.shouldKeepAlive = false;
  if (!request.emit(BODY_LOST, failure)) onLost(request, response, failure);
}
