import type { SessionLookup } from '../session/session-lookup.ts';
import type { Session } from '../session/session.ts';
import type { AuthParts } from './auth-parts.ts';

type Parts = Pick<
  AuthParts,
  'store' | 'head' | 'revocations' | 'refresher' | 'sessionIdMac' | 'tokenRevocation' | 'options' | 'clock' | 'logger'
>;

/**
 * The end of a session by its own user. The revocation entry comes first, so that nothing that is under way can bring the session
 * back; then a running refresh may finish, because the newest refresh token is the one to give back. Nothing in here fails a logout.
 */
export class SessionEnd {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** `providerFollows`: the browser goes on to the provider's end-session, after which a deferred revocation is spent. */
  async end(lookup: SessionLookup, providerFollows: boolean): Promise<void> {
    if (lookup.kind !== 'active' && lookup.kind !== 'expired' && lookup.kind !== 'superseded') return;
    const { session } = lookup;
    const { revocations, refresher, head, store } = this.#parts;
    await this.#tolerate('revocation', revocations.add({ cause: 'logout', sid: session.sid, until: session.endsAt }));
    const newest = await this.#tolerate('settle', refresher.settle({ session }));
    await this.#giveBack(newest ?? session, providerFollows);
    await Promise.all([this.#tolerate('head', head.forget(session.sid)), this.#tolerate('store', store.remove(session.sid))]);
  }

  async #giveBack({ sid, refreshToken }: Session, providerFollows: boolean): Promise<void> {
    const { options, tokenRevocation, sessionIdMac } = this.#parts;
    if (refreshToken === undefined || options.logout.revoke === 'off') return;
    if (options.logout.revoke === 'after' && providerFollows) tokenRevocation.later(sessionIdMac.id(sid), refreshToken);
    else await tokenRevocation.now(refreshToken);
  }

  /** A store that is down leaves the entry in this process, and the browser without its cookie: enough to go on. */
  async #tolerate<T>(step: string, work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      this.#parts.logger.error('logout_step_failed', { step, error: error instanceof Error ? error.name : 'unknown' });
      return undefined;
    }
  }
}
