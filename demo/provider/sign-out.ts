import type { KoaContextWithOIDC } from 'oidc-provider';
import type { MemoryStore } from './memory-store.ts';
import { signOutPage } from './pages.ts';

/**
 * RP-Initiated Logout §2: who shows a valid `id_token_hint` is signed out at once, as most providers do; everybody else is
 * asked first, because the request could come from any site.
 */
export async function endAtOnceOrAsk(ctx: KoaContextWithOIDC, form: string, store: MemoryStore): Promise<void> {
  const { session } = ctx.oidc;
  if (session === undefined || ctx.oidc.entities.IdTokenHint === undefined) {
    ctx.type = 'html';
    ctx.body = signOutPage(form);
    return;
  }
  // A grant with offline_access outlives the provider's session: its refresh token goes on working until it is revoked.
  for (const authorization of Object.values(session.authorizations ?? {})) {
    if (authorization.grantId !== undefined && authorization.persistsLogout !== true) store.revokeGrant(authorization.grantId);
  }
  await session.destroy();
  ctx.oidc.cookies.set(ctx.oidc.provider.cookieName('session'), null);
  ctx.status = 303;
  ctx.redirect(afterSignOut(ctx));
}

function afterSignOut(ctx: KoaContextWithOIDC): string {
  const { post_logout_redirect_uri: uri, state } = ctx.oidc.params ?? {};
  if (typeof uri !== 'string') return ctx.oidc.urlFor('end_session_success');
  const target = new URL(uri);
  if (typeof state === 'string') target.searchParams.set('state', state);
  return target.href;
}
