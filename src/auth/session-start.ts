import { randomBytes } from 'node:crypto';
import { mayEnter } from '../access/access-policy.ts';
import type { PresentedCookie } from '../cookie/session-cookie.ts';
import type { ExchangeOutcome, TokenSet } from '../oidc/identity-provider.ts';
import { cookieMaxAge } from '../session/session-limits.ts';
import type { Session, Ticket } from '../session/session.ts';
import type { AuthParts } from './auth-parts.ts';
import { claimsOfRules, selectClaims } from './session-claims.ts';

export type SignedIn = Extract<ExchangeOutcome, { kind: 'signed-in' }>;

export type SessionStartOutcome =
  | { readonly kind: 'started'; readonly session: Session; readonly setCookies: readonly string[] }
  | { readonly kind: 'forbidden' }
  /** Bytes. */
  | { readonly kind: 'over-budget'; readonly size: number };

type Parts = Pick<
  AuthParts,
  'store' | 'revocations' | 'sessionCookie' | 'hints' | 'accessRules' | 'options' | 'clock' | 'logger' | 'tokenRevocation'
>;

const SID_BYTES = 16;

/** From the provider's yes to a session of ours: always a new id, nothing taken over from an earlier session (A53). */
export class SessionStart {
  readonly #parts: Parts;
  readonly #keptClaims: readonly string[];

  constructor(parts: Parts) {
    this.#parts = parts;
    const { shownClaims, routeClaims } = parts.options;
    this.#keptClaims = [...shownClaims, ...routeClaims, ...claimsOfRules(parts.accessRules)];
  }

  async begin(signedIn: SignedIn, presented: PresentedCookie, previousSids: ReadonlySet<string>): Promise<SessionStartOutcome> {
    const { accessRules, store, sessionCookie } = this.#parts;
    if (!mayEnter(accessRules, signedIn.claims)) {
      await this.#giveBack(signedIn.tokens);
      return { kind: 'forbidden' };
    }
    const session = this.#newSession(signedIn);
    const ticket = await store.save(session);
    if (!sessionCookie.fits(ticket.value)) {
      await Promise.all([this.#giveBack(signedIn.tokens), store.remove(session.sid)]);
      return { kind: 'over-budget', size: sessionCookie.size(ticket.value) };
    }
    const setCookies = await this.#cookies(ticket, presented, signedIn.tokens.idToken);
    for (const sid of previousSids) await this.#endPrevious(sid, session.createdAt);
    return { kind: 'started', session, setCookies };
  }

  #newSession({ tokens, claims, sub, providerSid, idTokenIssuedAt }: SignedIn): Session {
    const { clock, options } = this.#parts;
    const now = clock.now();
    return {
      sid: randomBytes(SID_BYTES).toString('base64url'),
      generation: 1,
      sub,
      ...(providerSid === undefined ? {} : { providerSid }),
      idTokenIssuedAt,
      accessToken: tokens.accessToken,
      accessTokenExpiresAt: tokens.accessTokenExpiresAt,
      ...(tokens.refreshToken === undefined ? {} : { refreshToken: tokens.refreshToken }),
      scope: tokens.scope ?? options.requestedScope,
      claims: selectClaims(claims, this.#keptClaims),
      createdAt: now,
      refreshedAt: now,
      lastSeenAt: now,
      endsAt: now + options.absolute,
    };
  }

  /** The hint is the first thing to go when the budget is short: logout works without it. */
  async #cookies({ value, session }: Ticket, presented: PresentedCookie, idToken: string | undefined): Promise<readonly string[]> {
    const { sessionCookie, hints, clock } = this.#parts;
    const maxAge = cookieMaxAge(session, clock.now());
    const hint = idToken === undefined ? undefined : await hints.seal({ sid: session.sid, idToken }, maxAge);
    const hintLine = hint?.kind === 'sealed' && hint.withIdToken && sessionCookie.fits(value, hint.bytes) ? hint.line : hints.clear();
    return [...sessionCookie.write(value, maxAge, presented), hintLine];
  }

  /** It can live no longer than a session begun now. */
  async #endPrevious(sid: string, now: number): Promise<void> {
    const { revocations, options } = this.#parts;
    await revocations.add({ cause: 'replaced', sid, until: now + options.absolute });
  }

  async #giveBack({ refreshToken }: TokenSet): Promise<void> {
    if (refreshToken !== undefined) await this.#parts.tokenRevocation.now(refreshToken);
  }
}
