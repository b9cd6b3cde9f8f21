import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Failure } from '../kernel/errors.ts';
import type { LiveEnd } from '../session/live-connections.ts';
import type { ResponseHead, UpstreamHeaders } from './response-head.ts';

/**
 * How an exchange ended: whole; with an answer of our own (`onFailure` came first); cut by the client; cut by the upstream or a
 * limit; given up by its owner, who may begin another one for the same request.
 */
export type ForwardEnd = 'complete' | 'failed' | 'client_gone' | 'upstream_lost' | 'discarded';

/** What becomes of an upstream's head. `discard`: nothing of this answer goes out. */
export type HeadDecision = ResponseHead | { readonly kind: 'discard' };

/** Interim answers (1xx) to one request: a flood of them is no answer. */
export const INTERIM_LIMIT = 16;

/** Bytes of an upstream's response head. */
export const RESPONSE_HEAD_BYTES = 64 * 1024;

/** One request on its way upstream, and what its owner wants to know of it. Times in milliseconds. */
export interface ForwardPlan {
  readonly method: string;
  /** Path and query as the upstream gets them. */
  readonly path: string;
  /** Flat `[name, value, …]`, final. */
  readonly headers: string[];
  /** Until the response head. */
  readonly headersTimeout: number;
  /** Between two bytes of a body. Event streams are exempt, unless it is their client that does not read. */
  readonly idleTimeout: number;
  /** The largest request body in bytes; for bodies that do not say their length. */
  readonly maxBody: number | undefined;
  /**
   * Called at most once, with the final response head, before a byte goes to the client. `refused` becomes 502 `upstream_protocol`.
   * While a promise is pending the upstream's answer waits, unread; it never rejects.
   */
  onHead(status: number, headers: UpstreamHeaders): HeadDecision | Promise<HeadDecision>;
  /**
   * The answer has begun to live: an event stream or a WebSocket. `end` ends it in order whenever its owner wants that, and is never
   * called within this call; what is returned is called once, when it is over.
   */
  onLive(end: (why: LiveEnd) => void): () => void;
  /**
   * The connection has become a WebSocket: only what is returned is told of it, so that its owner need not keep for hours what the
   * handshake needed. Absent: this plan goes on.
   */
  switched?(): LivePlan;
  /** Called at most once, and only while the client has no response head: answer it now. `cause` is for the log. */
  onFailure(failure: Failure, cause: string): void;
  /** Called exactly once, last. */
  onEnd(end: ForwardEnd): void;
}

/** What is left of a plan once a WebSocket is open. */
export type LivePlan = Pick<ForwardPlan, 'onLive' | 'onEnd'>;

/**
 * Carries one request to an upstream and its answer back, streaming both ways with backpressure: exactly one attempt, unless a
 * kept connection turns out to be closed before anything of the request was sent, or before a byte came back for an idempotent one
 * without a body. Never throws, and either the client or the upstream going away ends the other side too.
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
