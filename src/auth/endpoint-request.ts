import type { FastifyRequest } from 'fastify';
import type { IncomingHttpHeaders } from 'node:http';
import { FailureError } from '../kernel/errors.ts';

/** A request as the flows see it: no framework, nothing read from the body yet. */
export interface EndpointRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The query as it arrived, with `?`, or ``. */
  readonly search: string;
  readonly query: URLSearchParams;
  readonly requestId: string;
  /** Whoever opened the connection: the client, or a proxy in front of us. */
  readonly peer: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

export function endpointRequest({ raw }: FastifyRequest): EndpointRequest {
  const search = searchOf(raw.url ?? '');
  return {
    method: raw.method ?? '',
    headers: raw.headers,
    search,
    query: new URLSearchParams(search),
    requestId: requestIdOf(raw.headers),
    peer: raw.socket.remoteAddress,
    // Leaving the loop early must not destroy the socket: a 413 still has to be written to it.
    body: raw.iterator({ destroyOnReturn: false }),
  };
}

/** The front door has put its own id there, whatever the client sent. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const id = headers['x-request-id'];
  return typeof id === 'string' ? id : '';
}

/** The value of a parameter that may come once at most (RFC 6749 §3.1); an empty one counts as absent. */
export function singleParam(params: URLSearchParams, name: string): string | undefined {
  const values = params.getAll(name);
  if (values.length > 1) throw new FailureError({ code: 'bad_request', detail: `The parameter ${name} must not come twice.` });
  return values[0] === '' ? undefined : values[0];
}

function searchOf(url: string): string {
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at);
}
