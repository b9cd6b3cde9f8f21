import type { Clock } from '../kernel/clock.ts';
import { fitsAccessToken } from './access-token-hash.ts';
import { checkIdToken, type IdTokenVerdict } from './id-token.ts';
import type { ProviderKeys } from './provider-keys.ts';

export interface IdTokenVerifierOptions {
  readonly keys: ProviderKeys;
  readonly clock: Clock;
  readonly issuer: string;
  readonly clientId: string;
  /** Milliseconds. */
  readonly clockTolerance: number;
}

/** What only the ID token of a login must fit. */
export interface LoginExpectation {
  readonly nonce?: string;
  /** Seconds. */
  readonly maxAge?: number;
  /** Checked against `at_hash`, where there is one: in the code flow it need not be there. */
  readonly accessToken?: string;
}

/** Verifies ID tokens of one client: signature with the provider's keys, then the claims. */
export class IdTokenVerifier {
  readonly #options: IdTokenVerifierOptions;

  constructor(options: IdTokenVerifierOptions) {
    this.#options = options;
  }

  /** `unavailable`: the keys could not be had, so the token is neither good nor bad. */
  async verify(
    token: string,
    algorithms: readonly string[],
    { accessToken, ...login }: LoginExpectation = {},
  ): Promise<IdTokenVerdict | { readonly kind: 'unavailable' }> {
    const { keys, clock, issuer, clientId, clockTolerance } = this.#options;
    const verdict = await keys.verify(token, algorithms);
    if (verdict.kind !== 'verified') return verdict;
    const checked = checkIdToken(verdict.claims, { issuer, clientId, clockTolerance, now: clock.now(), ...login });
    const atHash = verdict.claims['at_hash'];
    if (checked.kind === 'invalid' || accessToken === undefined || atHash === undefined) return checked;
    return fitsAccessToken(atHash, accessToken, verdict.alg) ? checked : { kind: 'invalid', check: 'at_hash' };
  }
}
