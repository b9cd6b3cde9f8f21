import type { FastifyReply } from 'fastify';
import { statusOf } from '../kernel/errors.ts';
import type { OwnResponse } from '../kernel/failure-response.ts';
import { requestIdOf } from './endpoint-request.ts';

/** Every answer of an endpoint: not sniffable, not embeddable by another origin (A83), with this request's own id. */
const ALWAYS = { 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' } as const;

/** The only writer of endpoint answers. */
export async function send(reply: FastifyReply, answer: OwnResponse | Promise<OwnResponse>): Promise<void> {
  const { status, headers, body } = await answer;
  reply.code(status).headers(ALWAYS);
  if (status === statusOf('payload_too_large')) reply.header('connection', 'close'); // the rest of the body is never read
  for (const [name, value] of Object.entries(headers)) reply.header(name, value);
  // As bytes, because Fastify adds a charset to JSON text, which no JSON type has (RFC 8259 §11).
  await reply.header('x-request-id', requestIdOf(reply.request.headers)).send(body === '' ? undefined : Buffer.from(body));
}
