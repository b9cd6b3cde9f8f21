import type { IncomingHttpHeaders } from 'node:http';
import { checkCsrf } from '../csrf/csrf-policy.ts';
import type { Failure } from '../kernel/errors.ts';
import { allowedMethods, stanceOf, type EndpointModes, type EndpointRules } from './endpoints.ts';

export interface CheckedRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

export interface EndpointPolicyOptions extends EndpointModes {
  readonly publicOrigin: string;
  readonly passwordLogin: boolean;
}

/** What every endpoint request has to pass before anything of it is read: method first, then CSRF. */
export class EndpointPolicy {
  readonly #options: EndpointPolicyOptions;

  constructor(options: EndpointPolicyOptions) {
    this.#options = options;
  }

  /** `undefined` = admitted. */
  check(request: CheckedRequest, rules: EndpointRules): Failure | undefined {
    if (rules.optional !== undefined && !this.#options[rules.optional]) return { code: 'route_not_found' };
    const stance = stanceOf(rules, request.method, this.#options);
    if (stance === undefined) return { code: 'method_not_allowed', allow: allowedMethods(rules, this.#options) };
    if (stance === 'exempt') return undefined;
    // csrf.requireHeader is about the routes: a form of ours (logout) can send no header.
    const verdict = checkCsrf(request, { publicOrigin: this.#options.publicOrigin, requireHeader: false });
    return verdict.kind === 'pass' ? undefined : { code: 'csrf_refused', detail: verdict.detail };
  }
}
