import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { FailureError, type ErrorCode, type Failure } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { EndpointPolicy } from './endpoint-policy.ts';
import { requestIdOf } from './endpoint-request.ts';
import { endpointAt } from './endpoints.ts';
import { failureAnswer } from './own-answers.ts';
import type { PublicUrls } from './public-urls.ts';
import { send } from './send.ts';

export const FILTER_PARTS = Symbol('FILTER_PARTS');

export interface FilterParts {
  readonly urls: PublicUrls;
  readonly policy: EndpointPolicy;
  readonly logger: Logger;
}

/** What Nest and Fastify refuse by themselves, before a handler is reached. */
const FRAMEWORK_CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'bad_request',
  404: 'route_not_found',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
};
const FRAMES = 5;

/** The last word on every error of an endpoint: an answer of ours, and nothing of the error itself but its code. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #parts: FilterParts;

  constructor(@Inject(FILTER_PARTS) parts: FilterParts) {
    this.#parts = parts;
  }

  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const http = host.switchToHttp();
    const { raw } = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const requestId = requestIdOf(raw.headers);
    const failure = this.#failure(error, raw, requestId);
    if (reply.sent) return; // the head is out: nothing can be said any more
    await send(reply, failureAnswer(failure, { headers: raw.headers, requestId }, this.#parts.urls));
  }

  #failure(error: unknown, raw: IncomingMessage, requestId: string): Failure {
    if (error instanceof FailureError) return error.failure;
    const code = error instanceof HttpException ? FRAMEWORK_CODES[error.getStatus()] : undefined;
    if (code !== undefined) return this.#refusedByEndpoint(raw) ?? { code };
    this.#parts.logger.error('internal_error', { requestId, ...traceOf(error) });
    return { code: 'internal_error' };
  }

  /** A method that the router does not know, or a body it refuses, on an endpoint that has its own word on methods and CSRF first. */
  #refusedByEndpoint(raw: IncomingMessage): Failure | undefined {
    const rules = endpointAt((raw.url ?? '').split('?', 1)[0] ?? '');
    return rules && this.#parts.policy.check({ method: raw.method ?? '', headers: raw.headers }, rules);
  }
}

/** The name and the places, never the message: it may quote a token. */
function traceOf(error: unknown): { error: string; at?: readonly string[] } {
  if (!(error instanceof Error)) return { error: typeof error };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^ +at /.test(line));
  return { error: error.name, at: frames.slice(0, FRAMES).map((frame) => frame.trim()) };
}
