import { hash } from 'node:crypto';
import type { Logger } from '../kernel/logger.ts';
import type { Clock } from '../kernel/clock.ts';
import type { TokenIssuer } from '../oidc/token-issuer.ts';
import type { Revocations } from '../session/revocations.ts';
import type { Session } from '../session/session.ts';
import { rejectedFor } from './refresh-end.ts';
import type { RouteGrants } from './route-grants.ts';
import type { RouteTarget } from './route-policy.ts';
import { NOT_FOR_ACCOUNT, type RouteGrantEnd } from './route-token.ts';
import type { SealedTokens } from './sealed-tokens.ts';

export interface ExchangedTokensOptions {
  readonly provider: Pick<TokenIssuer, 'exchangeToken'>;
  readonly grants: RouteGrants;
  readonly kept: SealedTokens;
  readonly revocations: Pick<Revocations, 'causeOf'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A token younger than this is not replaced, whoever refused it. Milliseconds. */
  readonly cooldown: number;
}

/** Tokens exchanged for a user's access token (RFC 8693), each for one session, one access token of it and one target. */
export class ExchangedTokens {
  readonly #options: ExchangedTokensOptions;

  constructor(options: ExchangedTokensOptions) {
    this.#options = options;
  }

  /** A plain value while a token is at hand. `session` has a fresh access token. */
  of(session: Session, target: RouteTarget): RouteGrantEnd | Promise<RouteGrantEnd> {
    const name = nameOf(session, target);
    const token = this.#options.kept.get(session, name);
    return token === undefined ? this.#obtain(session, target, name) : { kind: 'granted', accessToken: token.accessToken };
  }

  /** After an upstream's 401 to `refused`: a newer one. The same one again when it is too young to be worth it. */
  async renewed(session: Session, target: RouteTarget, refused: string): Promise<RouteGrantEnd> {
    const { kept, clock, cooldown } = this.#options;
    const name = nameOf(session, target);
    const token = kept.get(session, name);
    const isNew = token !== undefined && (token.accessToken !== refused || Math.abs(clock.now() - token.grantedAt) < cooldown);
    return isNew ? { kind: 'granted', accessToken: token.accessToken } : this.#obtain(session, target, name);
  }

  #obtain(session: Session, target: RouteTarget, name: string): Promise<RouteGrantEnd> {
    const key = `${session.sid} ${name}`;
    return this.#options.grants.obtain(key, () => this.#exchange(session, target, { name, key }));
  }

  async #exchange(session: Session, target: RouteTarget, { name, key }: { name: string; key: string }): Promise<RouteGrantEnd> {
    const { provider, grants, kept, revocations, logger } = this.#options;
    const issued = await grants.ask('token_exchange', key, () => provider.exchangeToken(session.accessToken, target));
    // A logout meanwhile: what was granted must not outlive it.
    const cause = revocations.causeOf(session);
    if (cause !== undefined) return rejectedFor(cause);
    if (issued.kind === 'unavailable') return issued;
    if (issued.kind === 'issued') {
      kept.set(session, name, issued.token);
      return { kind: 'granted', accessToken: issued.token.accessToken };
    }
    logger.warn('token_exchange_refused', { sub: session.sub, error: issued.error, status: issued.status });
    return NOT_FOR_ACCOUNT;
  }
}

/** Another access token of the session means another exchange: what was exchanged may end with what it was exchanged for. */
function nameOf({ accessToken }: Session, { key }: RouteTarget): string {
  return `exchange ${hash('sha256', accessToken, 'base64url')} ${key}`;
}
