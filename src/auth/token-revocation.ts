import type { Logger } from '../kernel/logger.ts';
import type { Timer } from '../kernel/timer.ts';
import type { IdentityProvider } from '../oidc/identity-provider.ts';

export interface TokenRevocationOptions {
  readonly provider: Pick<IdentityProvider, 'revoke'>;
  readonly timer: Timer;
  readonly logger: Logger;
  /** The longest anybody waits for one revocation. Milliseconds. */
  readonly wait: number;
  /** How long a deferred revocation waits for the browser to come back from the provider. Milliseconds. */
  readonly deferral?: number;
}

interface Deferred {
  readonly refreshToken: string;
  readonly cancel: () => void;
}

const DEFERRAL_MS = 60_000;
const MOST_DEFERRED = 10_000;
const MOST_AT_ONCE = 8;

/** Hands refresh tokens back to the provider (RFC 7009): best effort, bounded, and never a reason for a logout to fail. */
export class TokenRevocation {
  readonly #options: TokenRevocationOptions;
  readonly #deferred = new Map<string, Deferred>();

  constructor(options: TokenRevocationOptions) {
    this.#options = options;
  }

  /** Resolves when the provider has answered, or when it takes too long. Never rejects. */
  now(refreshToken: string): Promise<void> {
    const { provider, timer, logger, wait } = this.#options;
    return new Promise((resolve) => {
      const cancel = timer.after(wait, () => {
        logger.debug('token_revocation_slow');
        resolve();
      });
      provider
        .revoke(refreshToken)
        // A failed one was logged by the provider client, with its cause; having no such endpoint is no event.
        .catch((error: unknown) => logger.warn('token_revocation_failed', { cause: error instanceof Error ? error.name : 'unknown' }))
        .finally(() => {
          cancel();
          resolve();
        });
    });
  }

  /**
   * For providers that end their own session with the token: revokes at `spend`, or by itself when the browser never comes back.
   * `id`: the public id of the ended session.
   */
  later(id: string, refreshToken: string): void {
    const { timer, deferral = DEFERRAL_MS } = this.#options;
    this.#deferred.get(id)?.cancel();
    const cancel = timer.after(deferral, () => void this.spend(id));
    this.#deferred.set(id, { refreshToken, cancel });
    for (const oldest of this.#deferred.keys()) {
      if (this.#deferred.size <= MOST_DEFERRED) return;
      void this.spend(oldest);
    }
  }

  /** The provider's session has ended. An unknown id (spent, another process) is nothing to do. */
  async spend(id: string): Promise<void> {
    const deferred = this.#deferred.get(id);
    if (deferred === undefined) return;
    this.#deferred.delete(id);
    deferred.cancel();
    await this.now(deferred.refreshToken);
  }

  /** Shutdown: whatever still waits is revoked now, a few at a time. */
  async flush(): Promise<void> {
    const waiting = [...this.#deferred.keys()].values();
    const spendOneByOne = async (): Promise<void> => {
      for (const id of waiting) await this.spend(id);
    };
    await Promise.all(Array.from({ length: MOST_AT_ONCE }, spendOneByOne));
  }
}
