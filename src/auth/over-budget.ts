import type { Failure } from '../kernel/errors.ts';
import type { TokenSet } from '../oidc/identity-provider.ts';
import type { AuthParts } from './auth-parts.ts';

/** A session that no browser would keep: what the log, the page and the answer say of it. `size` in bytes. */
export function overBudget(
  size: number,
  { accessToken, refreshToken }: TokenSet,
  requestId: string,
  { options, logger }: Pick<AuthParts, 'options' | 'logger'>,
): { readonly failure: Failure; readonly lines: readonly string[] } {
  const budget = options.cookieBudget;
  const sizes = { accessToken: accessToken.length, refreshToken: refreshToken?.length ?? 0 };
  logger.error('cookie_budget_exceeded', { requestId, cookie: size, budget, ...sizes });
  const limit = size > budget ? `the budget (cookie.budget) is ${budget} bytes` : 'cookie.maxChunks allows fewer';
  const detail = `The session needs ${size} bytes of cookies; ${limit}.`;
  const parts = `The access token has ${sizes.accessToken} bytes, the refresh token ${sizes.refreshToken}. Keep fewer claims, or ask the provider for smaller tokens.`;
  return { failure: { code: 'cookie_budget', detail }, lines: [detail, parts] };
}
