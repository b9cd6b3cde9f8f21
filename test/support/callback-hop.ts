import type { UserAgent } from './user-agent.ts';

const isCallback = (url: URL): boolean => url.pathname.endsWith('/bff/callback');

/** Signs in up to the authorization response: its URL, which the browser has not requested yet. */
export async function authorizationResponse(agent: UserAgent, user: string, returnTo = '/pages/page'): Promise<URL> {
  const { stoppedAt } = await agent.login(user, { returnTo, until: isCallback });
  if (stoppedAt === undefined) throw new Error('The provider never led back');
  return new URL(stoppedAt);
}

/** The same URL with other query parameters; `undefined` takes one away. */
export function changed(url: URL, params: Readonly<Record<string, string | undefined>>): string {
  const copy = new URL(url);
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined) copy.searchParams.delete(name);
    else copy.searchParams.set(name, value);
  }
  return copy.href;
}
