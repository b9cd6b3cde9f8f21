import { describe, expect, it } from '@jest/globals';
import { buildEndSessionUrl, fillEndSessionTemplate } from '../../../src/oidc/end-session.ts';

const BACK = 'https://app.example.com/bff/logged-out';

describe('the end-session URL', () => {
  it('names the session by its ID token', () => {
    const url = new URL(
      buildEndSessionUrl('https://id/out?x=1', 'app', { idToken: 'i', logoutHint: 'alice', postLogoutRedirectUri: BACK, state: 's' }),
    );
    expect(Object.fromEntries(url.searchParams)).toEqual({ x: '1', id_token_hint: 'i', post_logout_redirect_uri: BACK, state: 's' });
  });

  it('names client and user without an ID token', () => {
    const url = new URL(buildEndSessionUrl('https://id/out', 'app', { logoutHint: 'alice', postLogoutRedirectUri: BACK }));
    expect(Object.fromEntries(url.searchParams)).toEqual({ client_id: 'app', logout_hint: 'alice', post_logout_redirect_uri: BACK });
  });

  it('fills a template, percent-encoded', () => {
    const template = 'https://x/v2/logout?client_id={clientId}&returnTo={postLogoutUri}';
    expect(fillEndSessionTemplate(template, 'a&b$&', BACK)).toBe(
      'https://x/v2/logout?client_id=a%26b%24%26&returnTo=https%3A%2F%2Fapp.example.com%2Fbff%2Flogged-out',
    );
  });
});
