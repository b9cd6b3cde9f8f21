import type { AuthParts } from './auth-parts.ts';
import type { LogoutState, LogoutStates } from './logout-state.ts';
import { loggedOutUrlOf } from './public-urls.ts';

/** By what the provider may recognise its own session: one of the two, or nothing but the client id. */
export interface LogoutHint {
  readonly idToken?: string;
  readonly logoutHint?: string;
}

export type ProviderLogoutParts = Pick<AuthParts, 'urls' | 'identityProvider' | 'options'> & {
  readonly states: Pick<LogoutStates, 'seal' | 'open'>;
};

/** The provider's half of a logout (RP-Initiated Logout 1.0). Everything is local when it has none, or is not known yet. */
export class ProviderLogout {
  readonly #parts: ProviderLogoutParts;

  constructor(parts: ProviderLogoutParts) {
    this.#parts = parts;
  }

  exists(): boolean {
    const { options, identityProvider, urls } = this.#parts;
    return options.logout.endSession && identityProvider.endSessionUrl({ postLogoutRedirectUri: loggedOutUrlOf(urls) }) !== undefined;
  }

  /** `deferred`: the public id of the session, whose token may be revoked when the user comes back. */
  async url({ idToken, logoutHint }: LogoutHint, returnTo: string, deferred: string | undefined): Promise<string | undefined> {
    if (!this.exists()) return undefined;
    const { identityProvider, options, states, urls } = this.#parts;
    const after = deferred !== undefined && options.logout.revoke === 'after';
    const state = await states.seal({ returnTo, ...(after ? { deferred } : {}) });
    return identityProvider.endSessionUrl({
      postLogoutRedirectUri: loggedOutUrlOf(urls),
      state,
      ...(idToken === undefined ? {} : { idToken }),
      ...(logoutHint === undefined ? {} : { logoutHint }),
    });
  }

  /** What came back in `state`, if it is ours. */
  open(state: string | undefined): Promise<LogoutState | undefined> {
    return this.#parts.states.open(state);
  }
}
