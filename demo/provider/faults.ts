import type { Endpoint } from './endpoints.ts';
import type { Gate } from './gate.ts';
import type { RateLimit } from './rate-limit.ts';

/** `before`: the request never reaches the provider proper. `after`: it was carried out, and only the answer suffers. */
export type FaultMoment = 'before' | 'after';

export type Fault =
  /** An OAuth error answer (RFC 6749 §5.2); status 400 unless told. */
  | {
      readonly kind: 'oauth-error';
      readonly error: string;
      readonly status?: number;
      readonly headers?: Record<string, string>;
      readonly when?: FaultMoment;
    }
  /** At the authorization endpoint: back to the client at once with this error (RFC 6749 §4.1.2.1). */
  | { readonly kind: 'login-error'; readonly error: string; readonly when?: 'before' }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
      readonly when?: FaultMoment;
    }
  /** 200 with something that is no JSON. */
  | { readonly kind: 'garbage'; readonly body?: string; readonly when?: FaultMoment }
  /** Never answers. */
  | { readonly kind: 'hang'; readonly when?: FaultMoment }
  /** Destroys the connection instead of answering. */
  | { readonly kind: 'reset'; readonly when?: FaultMoment }
  | { readonly kind: 'delay'; readonly ms: number; readonly when?: FaultMoment }
  /** Waits at the gate, then goes on as usual. */
  | { readonly kind: 'gate'; readonly gate: Gate; readonly when?: FaultMoment }
  /** Lets through what the limit allows, and answers the rest with 429. */
  | { readonly kind: 'limit'; readonly limit: RateLimit; readonly headers?: Record<string, string>; readonly when?: 'before' }
  /** Carries the request out and changes the JSON of the answer. */
  | {
      readonly kind: 'rewrite';
      readonly change: (answer: Readonly<Record<string, unknown>>) => Record<string, unknown>;
      readonly when?: 'after';
    };

interface PlannedFault {
  readonly fault: Fault;
  left: number;
}

/** Which faults are planned for which endpoint. The first planned fault of an endpoint is spent before the next. */
export class FaultPlan {
  readonly #planned = new Map<Endpoint, PlannedFault[]>();

  add(endpoint: Endpoint, fault: Fault, times: number): void {
    this.#planned.set(endpoint, [...(this.#planned.get(endpoint) ?? []), { fault, left: times }]);
  }

  /** Takes the fault that the next request to this endpoint meets. */
  take(endpoint: Endpoint): Fault | undefined {
    const queue = this.#planned.get(endpoint);
    const next = queue?.[0];
    if (queue === undefined || next === undefined) return undefined;
    next.left -= 1;
    if (next.left <= 0) queue.shift();
    return next.fault;
  }

  clear(endpoint: Endpoint | undefined): void {
    if (endpoint === undefined) this.#planned.clear();
    else this.#planned.delete(endpoint);
  }
}
