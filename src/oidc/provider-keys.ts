import type { Clock } from '../kernel/clock.ts';
import { reasonOf } from '../kernel/http-client-error.ts';
import type { HttpClient } from '../kernel/http-client.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Timer } from '../kernel/timer.ts';
import { parseJsonObject } from './json-object.ts';
import { LastGood, type Fetched } from './last-good.ts';
import { readKeySet, verifySignature, type KeySet, type SignatureVerdict } from './signed-token.ts';

/** Tokens that no key fits may make us fetch the keys this often and not more. */
const REFETCH_PAUSE_MS = 60_000;

export type TokenVerdict = Exclude<SignatureVerdict, { kind: 'unknown-key' }> | { readonly kind: 'unavailable' };

export interface ProviderKeysOptions {
  readonly jwksUri: () => string | undefined;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds between readings that nobody asked for; absent when somebody else calls `refresh` now and then. */
  readonly interval?: number;
  readonly timer: Timer;
}

/**
 * The provider's signature keys, fetched beforehand and kept when a later fetch fails. The first token that no key fits makes us
 * fetch at once, however fresh the keys are (a provider may rotate right before it signs); after that at most one fetch a minute, so
 * that nobody drives fetches with invented key ids.
 */
export class ProviderKeys {
  readonly #options: ProviderKeysOptions;
  readonly #kept: LastGood<KeySet>;
  #refetchedAt = Number.NEGATIVE_INFINITY;
  #lastCause: string | undefined;

  constructor(options: ProviderKeysOptions) {
    this.#options = options;
    this.#kept = new LastGood({
      load: () => this.#load(),
      clock: options.clock,
      timer: options.timer,
      onEnd: (outcome) => this.#report(outcome),
      ...(options.interval === undefined ? {} : { interval: options.interval }),
    });
  }

  get status(): 'up' | 'down' | 'unknown' {
    return this.#kept.status;
  }

  /** Reads the keys again, in the background. */
  refresh(): void {
    void this.#kept.reload();
  }

  /** `false` after one attempt on demand that failed: no token can be verified now. */
  async ready(): Promise<boolean> {
    return (await this.#kept.ready()) !== undefined;
  }

  /** Checks the signature of a compact JWS with the provider's keys. `unavailable`: the keys could not be had, the token may be good. */
  async verify(token: string, algorithms: readonly string[]): Promise<TokenVerdict> {
    const keys = await this.#kept.ready();
    if (keys === undefined) return { kind: 'unavailable' };
    const verdict = await verifySignature(token, keys, algorithms);
    if (!mayBeRotation(verdict)) return toTokenVerdict(verdict);
    const refetched = await this.#refetch();
    // While the provider's keys cannot be had, a key that we do not know may still be one of them.
    if (refetched === 'throttled') return this.status === 'down' ? { kind: 'unavailable' } : unconfirmed(verdict);
    if (refetched.kind === 'failed') return { kind: 'unavailable' };
    return toTokenVerdict(await verifySignature(token, refetched.value, algorithms));
  }

  close(): void {
    this.#kept.close();
  }

  async #refetch(): Promise<Fetched<KeySet> | 'throttled'> {
    if (this.#kept.running !== undefined) return this.#kept.running;
    const now = this.#options.clock.now();
    const since = now - this.#refetchedAt;
    if (since >= 0 && since < REFETCH_PAUSE_MS) return 'throttled';
    this.#refetchedAt = now;
    return this.#kept.reload();
  }

  async #load(): Promise<Fetched<KeySet>> {
    const uri = this.#options.jwksUri();
    if (uri === undefined) return failed('metadata_unknown');
    try {
      const response = await this.#options.http.fetch(uri, { headers: { accept: 'application/json, application/jwk-set+json' } });
      if (response.status !== 200) return failed(`http_${response.status}`);
      const jwks = parseJsonObject(await response.text());
      const keys = jwks === undefined ? undefined : readKeySet(jwks);
      if (keys === undefined) return failed('no_key_set');
      return keys.size === 0 ? failed('no_usable_key') : { kind: 'fetched', value: keys };
    } catch (error) {
      return failed(reasonOf(error));
    }
  }

  #report(outcome: Fetched<KeySet>): void {
    const cause = outcome.kind === 'failed' ? outcome.cause : 'none';
    const changed = cause !== this.#lastCause;
    this.#lastCause = cause;
    const { logger } = this.#options;
    if (outcome.kind === 'fetched') {
      if (changed) logger.info('provider_keys_loaded', { keys: outcome.value.size });
    } else if (changed) {
      logger.warn('provider_keys_failed', { cause, lastGoodKept: this.#kept.current !== undefined });
    }
  }
}

/** Keys without ids, or ids used again, show a rotation as a wrong signature. */
function mayBeRotation(verdict: SignatureVerdict): boolean {
  return verdict.kind === 'unknown-key' || (verdict.kind === 'invalid' && verdict.check === 'signature');
}

/** Newer keys might still say otherwise, which we may not ask for now: no proof of a forgery, and no good token either. */
function unconfirmed(verdict: SignatureVerdict): TokenVerdict {
  return verdict.kind === 'unknown-key' ? toTokenVerdict(verdict) : { kind: 'invalid', check: 'signature_unconfirmed' };
}

function toTokenVerdict(verdict: SignatureVerdict): TokenVerdict {
  return verdict.kind === 'unknown-key' ? { kind: 'invalid', check: 'unknown_key' } : verdict;
}

function failed(cause: string): Fetched<never> {
  return { kind: 'failed', cause, misconfigured: false };
}
