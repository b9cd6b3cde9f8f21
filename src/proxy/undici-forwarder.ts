import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PassedBytes } from '../kernel/passed-bytes.ts';
import { dialer, type DialOptions } from './dial.ts';
import { hasBody, RESPONSE_HEAD_BYTES, type Forwarder, type ForwardPlan } from './forwarder.ts';
import { admitBody } from './own-answer.ts';
import { RequestBody } from './request-body.ts';
import { UndiciExchange } from './undici-exchange.ts';
import { UndiciLanes } from './undici-lanes.ts';

/** Where the connections lead to and how they are made; and: */
export interface UndiciForwarderOptions extends DialOptions {
  /** Sockets at most. Requests beyond it wait for one; the routes' maxInFlight keeps it from coming to that. */
  readonly connections: number;
  /** Bytes of a response head. */
  readonly maxHeaderSize?: number;
  /** Told of every chunk of a body, either way. */
  readonly passed?: Pick<PassedBytes, 'add'> | undefined;
}

const UNCOUNTED = { add: (): void => undefined };

/**
 * Carries requests over HTTP/1.1 connections to one origin; no pipelining, no redirect followed. One attempt for each request, and
 * one more on a new connection where the first was given a kept connection that had been closed meanwhile: if nothing of it was
 * sent, or if it may be sent twice and not a byte came back (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
 */
export class UndiciForwarder implements Forwarder {
  readonly #lanes: UndiciLanes;
  readonly #passed: Pick<PassedBytes, 'add'>;

  constructor(options: UndiciForwarderOptions) {
    const { origin, connections, maxHeaderSize = RESPONSE_HEAD_BYTES, passed = UNCOUNTED } = options;
    this.#passed = passed;
    this.#lanes = new UndiciLanes({ origin, dial: dialer(options), maxHeaderSize }, connections);
  }

  forward(request: IncomingMessage, response: ServerResponse, plan: ForwardPlan): void {
    const body = hasBody(request) ? new RequestBody(request, plan.maxBody, this.#passed) : null;
    if (body !== null) admitBody(response);
    this.#lanes.take(new UndiciExchange(response, body, plan, this.#lanes, this.#passed));
  }

  close(): Promise<void> {
    return this.#lanes.close();
  }
}
