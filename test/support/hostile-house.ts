import type { UserAgent } from './user-agent.ts';
import { queryOf } from './wire.ts';

export const HOSTILE_SECRET = 'a-secret-of-the-hostile-provider-canary';

/** The hostile provider has no sign-in page: the authorization response is made up from the request for it. */
export async function authorizationResponseOf(
  agent: UserAgent,
  login = '/bff/login?returnTo=/pages/page',
): Promise<{ readonly url: string; readonly nonce: string }> {
  const { page } = await agent.navigate(login, { until: (url) => url.origin !== agent.origin.origin });
  const { state = '', nonce = '', redirect_uri: redirectUri = '' } = queryOf(page.headers.get('location') ?? '');
  return { url: `${redirectUri}?${new URLSearchParams({ code: 'code-1', state }).toString()}`, nonce };
}
