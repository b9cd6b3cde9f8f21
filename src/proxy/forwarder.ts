import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Failure } from '../kernel/errors.ts';
import type { ResponseHead, UpstreamHeaders } from './response-head.ts';

/** How an exchange ended: whole; with an answer of our own (`onFailure` came first); cut by the client; cut by the upstream or a limit. */
export type ForwardEnd = 'complete' | 'failed' | 'client_gone' | 'upstream_lost';

/** One request on its way upstream, and what its owner wants to know of it. Times in milliseconds. */
export interface ForwardPlan {
  readonly method: string;
  /** Path and query as the upstream gets them. */
  readonly path: string;
  /** Flat `[name, value, …]`, final. */
  readonly headers: string[];
  /** Until the response head. */
  readonly headersTimeout: number;
  /** Between two bytes of a body. Event streams are exempt. */
  readonly idleTimeout: number;
  /** The largest request body in bytes; for bodies that do not say their length. */
  readonly maxBody: number | undefined;
  /** How long an event stream may live from now. */
  streamLifetime(): number;
  /** Called at most once, with the final response head, before a byte goes to the client. `refused` becomes 502 `upstream_protocol`. */
  onHead(status: number, headers: UpstreamHeaders): ResponseHead;
  /** Called at most once, and only while the client has no response head: answer it now. `cause` is for the log. */
  onFailure(failure: Failure, cause: string): void;
  /** Called exactly once, last. */
  onEnd(end: ForwardEnd): void;
}

/**
 * Carries one request to an upstream and its answer back, streaming both ways with backpressure: exactly one attempt, never
 * throws, and either the client or the upstream going away ends the other side too.
 */
export interface Forwarder {
  forward(request: IncomingMessage, response: ServerResponse, plan: ForwardPlan): void;
  /** Lets requests under way end, then closes the connections. */
  close(): Promise<void>;
}

/** RFC 9112 §6.3: a request has a body when it says its length or its coding. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return (length !== undefined && length !== '0') || request.headers['transfer-encoding'] !== undefined;
}
