import type { Clock } from '../kernel/clock.ts';
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
    login: { readonly nonce?: string; readonly maxAge?: number } = {},
  ): Promise<IdTokenVerdict | { readonly kind: 'unavailable' }> {
    const { keys, clock, issuer, clientId, clockTolerance } = this.#options;
    const verdict = await keys.verify(token, algorithms);
    if (verdict.kind !== 'verified') return verdict;
    return checkIdToken(verdict.claims, { issuer, clientId, clockTolerance, now: clock.now(), ...login });
  }
}
