import { randomBytes } from 'node:crypto';
import type { PresentedCookie } from '../cookie/session-cookie.ts';
import { isNavigation } from '../csrf/navigation.ts';
import type { OwnResponse } from '../kernel/failure-response.ts';
import type { SessionLookup } from '../session/session-lookup.ts';
import type { Session } from '../session/session.ts';
import type { AuthParts } from './auth-parts.ts';
import { singleParam, type EndpointRequest } from './endpoint-request.ts';
import type { LogoutHint, ProviderLogout } from './provider-logout.ts';
import { continueTo, failureAnswer, jsonAnswer, redirectTo } from './own-answers.ts';
import { readFields } from './request-body.ts';
import { safeReturnTo } from './return-to.ts';
import type { SessionEnd } from './session-end.ts';
import { isSpeculative, isTopLevelNavigation } from './user-navigation.ts';
import { redirectBack } from './way-back.ts';

export type LogoutParts = Pick<
  AuthParts,
  'urls' | 'goesOnByItself' | 'attempts' | 'resolver' | 'sessionCookie' | 'hints' | 'sessionIdMac' | 'logger' | 'tokenRevocation'
> & { readonly sessionEnd: Pick<SessionEnd, 'end'>; readonly providerLogout: ProviderLogout };

interface Seen {
  readonly presented: PresentedCookie;
  readonly lookup: SessionLookup;
  readonly session?: Session;
}

/** How long a script or a page has to go on to the provider. Seconds. */
const HOP_S = 60;
const NOT_NAVIGATED = 'A sign-out by GET is a top-level navigation, never a script; scripts use POST.';
const NOT_PROVEN = 'This sign-out was not asked for on this site, so nothing was ended.';

/** Three ways out (a script, a form, a link that carries its proof), the same end for the session, and one way on to the provider. */
export class LogoutFlow {
  readonly #parts: LogoutParts;

  constructor(parts: LogoutParts) {
    this.#parts = parts;
  }

  /** Both answers lead to a path of ours: the provider's URL carries the ID token, which no script may see, and a page of ours is in sight of its origin's scripts. */
  async post(request: EndpointRequest): Promise<OwnResponse> {
    const { urls, providerLogout } = this.#parts;
    const fields = await readFields(request, ['returnTo']);
    const returnTo = safeReturnTo(fields.get('returnTo'), urls);
    const seen = await this.#look(request);
    const hint = await this.#hint(seen, request);
    await this.#end(seen, request);
    const byScript = !isNavigation(request.headers);
    if (!providerLogout.exists()) {
      const cookies = this.#cleared(seen, request);
      return byScript ? jsonAnswer({ redirectTo: returnTo }, cookies) : this.#onward(undefined, returnTo, cookies);
    }
    const { path, line } = await this.#hop(seen, hint, returnTo);
    const cookies = [...this.#clearedSession(seen, request), line];
    return byScript ? jsonAnswer({ redirectTo: path }, cookies) : continueTo(path, 'Signing out', cookies);
  }

  /** A link cannot prove where it was clicked, so it carries the session's public id. */
  async get(request: EndpointRequest): Promise<OwnResponse> {
    const { urls, sessionIdMac, providerLogout } = this.#parts;
    if (!isTopLevelNavigation(request.headers)) return this.#notForScripts(request);
    const id = singleParam(request.query, 'id');
    const returnTo = safeReturnTo(singleParam(request.query, 'returnTo'), urls);
    const seen = await this.#look(request);
    const proven = id !== undefined && seen.session !== undefined && sessionIdMac.matches(seen.session.sid, id);
    if (!proven || isSpeculative(request.headers)) return this.#ask(request);
    const hint = await this.#hint(seen, request);
    await this.#end(seen, request);
    const url = await providerLogout.url(hint, returnTo, this.#publicId(seen));
    return this.#onward(url, returnTo, this.#cleared(seen, request));
  }

  /** Where `redirectTo` and the page lead. Only the hint of a finished logout has a returnTo: the one set at login is not spent here. */
  async provider(request: EndpointRequest): Promise<OwnResponse> {
    const { hints, sessionIdMac, providerLogout, urls } = this.#parts;
    if (!isTopLevelNavigation(request.headers)) return this.#notForScripts(request);
    const id = singleParam(request.query, 'id');
    const hint = id === undefined ? undefined : await hints.read(request.headers.cookie, (sid) => sessionIdMac.matches(sid, id));
    if (hint?.returnTo === undefined || isSpeculative(request.headers)) return this.#ask(request);
    const returnTo = safeReturnTo(hint.returnTo, urls);
    return this.#onward(await providerLogout.url(hint, returnTo, id), returnTo, [hints.clear()]);
  }

  async loggedOut(request: EndpointRequest): Promise<OwnResponse> {
    const { providerLogout, tokenRevocation, urls } = this.#parts;
    const states = request.query.getAll('state');
    const state = states.length === 1 ? await providerLogout.open(states[0]) : undefined;
    // Nobody waits for it, and it never rejects.
    if (state?.deferred !== undefined) void tokenRevocation.spend(state.deferred);
    return this.#onward(undefined, safeReturnTo(state?.returnTo, urls));
  }

  /** To the provider, or back when there is nothing to do there. */
  #onward(providerUrl: string | undefined, returnTo: string, cookies: readonly string[] = []): OwnResponse {
    if (providerUrl !== undefined) return redirectTo(303, providerUrl, cookies);
    return redirectBack({ returnTo, title: 'You are signed out', cookies }, this.#parts.goesOnByItself);
  }

  async #look(request: EndpointRequest): Promise<Seen> {
    const presented = this.#parts.sessionCookie.read(request.headers.cookie);
    const lookup = await this.#parts.resolver.resolve(presented);
    return 'session' in lookup ? { presented, lookup, session: lookup.session } : { presented, lookup };
  }

  /** Only an active session vouches for the hint beside it; without one the provider learns no more than the client id. */
  async #hint({ lookup }: Seen, request: EndpointRequest): Promise<LogoutHint> {
    if (lookup.kind !== 'active') return {};
    const { sid, sub, claims } = lookup.session;
    const hint = await this.#parts.hints.read(request.headers.cookie, (hintSid) => hintSid === sid);
    if (hint?.idToken !== undefined) return { idToken: hint.idToken };
    const email = claims['email'];
    return { logoutHint: typeof email === 'string' ? email : sub };
  }

  async #end({ lookup }: Seen, request: EndpointRequest): Promise<void> {
    await this.#parts.sessionEnd.end(lookup, this.#parts.providerLogout.exists());
    this.#parts.logger.info('logout', { requestId: request.requestId, session: lookup.kind });
  }

  /** The way to the provider, and the cookie that makes it this browser's own. */
  async #hop(seen: Seen, hint: LogoutHint, returnTo: string): Promise<{ readonly path: string; readonly line: string }> {
    const { urls, hints, sessionIdMac } = this.#parts;
    // Without a session the hop is still bound to this browser: a random id that nobody else knows.
    const sid = seen.session?.sid ?? randomBytes(16).toString('base64url');
    const sealed = await hints.seal({ sid, returnTo, ...hint }, HOP_S);
    const line = sealed.kind === 'sealed' ? sealed.line : hints.clear();
    return { path: `${urls.base}/logout/provider?id=${sessionIdMac.id(sid)}`, line };
  }

  /** A fetch that follows redirects would be told the provider's URL, ID token and all. */
  #notForScripts(request: EndpointRequest): OwnResponse {
    return failureAnswer({ code: 'navigation_required', detail: NOT_NAVIGATED }, request, this.#parts.urls);
  }

  #ask(request: EndpointRequest): OwnResponse {
    const { urls } = this.#parts;
    const action = { kind: 'post', href: `${urls.base}/logout`, label: 'Sign out' } as const;
    return failureAnswer({ code: 'csrf_refused', detail: NOT_PROVEN }, request, urls, { action, lines: ['Do you want to sign out?'] });
  }

  #publicId({ session }: Seen): string | undefined {
    return session === undefined ? undefined : this.#parts.sessionIdMac.id(session.sid);
  }

  #cleared(seen: Seen, request: EndpointRequest): readonly string[] {
    return [...this.#clearedSession(seen, request), this.#parts.hints.clear()];
  }

  #clearedSession({ presented }: Seen, request: EndpointRequest): readonly string[] {
    return [...this.#parts.sessionCookie.clear(presented), ...this.#parts.attempts.clearAll(request.headers.cookie)];
  }
}
