import { describe, expect, it } from '@jest/globals';
import type { IncomingHttpHeaders } from 'node:http';
import { checkCsrf, checkUpgradeOrigin, isCrossSiteNavigation, type CsrfRules } from '../../../src/csrf/csrf-policy.ts';

const ORIGIN = 'https://app.example.com';
const judge = (method: string, headers: IncomingHttpHeaders, rules: Partial<CsrfRules> = {}): string =>
  checkCsrf({ method, headers }, { publicOrigin: ORIGIN, requireHeader: false, ...rules }).kind;

const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
const from = (site: string, more: IncomingHttpHeaders = {}): IncomingHttpHeaders => ({ 'sec-fetch-site': site, ...more });

describe('with Fetch Metadata', () => {
  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'])('a same-origin %s passes', (method) => {
    expect(judge(method, from('same-origin'))).toBe('pass');
    expect(judge(method, from('same-origin', { origin: 'null' }))).toBe('pass');
  });

  it.each(['GET', 'HEAD'])('a %s navigation that the user began passes', (method) =>
    expect(judge(method, from('none', NAVIGATION))).toBe('pass'),
  );

  it.each(['same-site', 'cross-site', 'none', 'same-origin, same-origin', '', 'odd'])('any other request from %j is refused', (site) => {
    expect(judge('GET', from(site, { 'sec-fetch-mode': 'cors' }))).toBe('refused');
    expect(judge('OPTIONS', from(site))).toBe('refused');
    expect(judge('POST', from(site))).toBe('refused');
    expect(judge('POST', from(site, { 'x-csrf': '1', origin: ORIGIN }))).toBe('refused');
    expect(judge('POST', from(site, NAVIGATION))).toBe('refused');
  });

  it.each(['cross-site', 'same-site'])('a GET navigation from %s is asked about, unless the route allows it', (site) => {
    expect(judge('GET', from(site, NAVIGATION))).toBe('ask');
    expect(judge('GET', from(site, NAVIGATION), { navigation: 'button' })).toBe('ask');
    expect(judge('HEAD', from(site, NAVIGATION), { navigation: 'allow' })).toBe('pass');
    expect(judge('GET', from(site, { ...NAVIGATION, 'sec-fetch-dest': 'empty' }), { navigation: 'allow' })).toBe('pass');
  });

  it.each(['iframe', 'embed', 'object', 'frame'])('what is allowed to navigations is not allowed to an %s of another site', (dest) =>
    expect(judge('GET', from('cross-site', { ...NAVIGATION, 'sec-fetch-dest': dest }), { navigation: 'allow' })).toBe('ask'),
  );

  it('an unsafe navigation from another site is refused even where navigations are allowed', () =>
    expect(judge('POST', from('cross-site', NAVIGATION), { navigation: 'allow' })).toBe('refused'));
});

describe('without Fetch Metadata', () => {
  it.each(['GET', 'HEAD', 'OPTIONS'])('%s passes', (method) => expect(judge(method, {})).toBe('pass'));

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'PROPFIND'])('%s needs a proof', (method) => {
    expect(judge(method, {})).toBe('refused');
    expect(judge(method, { 'x-csrf': '1' })).toBe('pass');
    expect(judge(method, { 'x-csrf': 'true' })).toBe('refused');
    expect(judge(method, { origin: ORIGIN })).toBe('pass');
    expect(judge(method, { origin: ORIGIN, 'x-csrf': '0' })).toBe('pass');
  });

  it.each(['null', '', 'https://evil.example', `${ORIGIN}.evil.example`, `${ORIGIN}:8443`, 'http://app.example.com'])(
    'the Origin %j refuses, even with X-CSRF',
    (origin) => expect(judge('POST', { origin, 'x-csrf': '1' })).toBe('refused'),
  );

  it('names the header that is missing', () => {
    const verdict = checkCsrf({ method: 'POST', headers: {} }, { publicOrigin: ORIGIN, requireHeader: false });
    expect(verdict.kind === 'refused' && verdict.detail).toMatch(/X-CSRF: 1/);
  });
});

describe('with requireHeader', () => {
  const rules = { requireHeader: true };

  it('everything needs X-CSRF, navigations too', () => {
    expect(judge('GET', from('same-origin'), rules)).toBe('refused');
    expect(judge('GET', from('none', NAVIGATION), rules)).toBe('refused');
    expect(judge('GET', from('cross-site', NAVIGATION), rules)).toBe('refused');
    expect(judge('GET', {}, rules)).toBe('refused');
    expect(judge('GET', from('same-origin', { 'x-csrf': '1' }), rules)).toBe('pass');
  });

  it('and the header alone is no proof against Fetch Metadata', () =>
    expect(judge('POST', from('cross-site', { 'x-csrf': '1' }), rules)).toBe('refused'));
});

describe('a WebSocket handshake', () => {
  it('passes with exactly the public origin', () => expect(checkUpgradeOrigin({ origin: ORIGIN }, ORIGIN).kind).toBe('pass'));

  it.each([undefined, '', 'null', `${ORIGIN}/`, `${ORIGIN}.evil.example`, `${ORIGIN}, ${ORIGIN}`, 'HTTPS://APP.EXAMPLE.COM'])(
    'is refused with the Origin %j, whatever else it carries',
    (origin) => {
      const headers = { 'sec-fetch-site': 'same-origin', 'x-csrf': '1', ...(origin === undefined ? {} : { origin }) };
      expect(checkUpgradeOrigin(headers, ORIGIN).kind).toBe('refused');
    },
  );
});

describe('a navigation from another site', () => {
  it('is one by Fetch Metadata only', () => {
    expect(isCrossSiteNavigation(from('cross-site', NAVIGATION))).toBe(true);
    expect(isCrossSiteNavigation(from('same-site', NAVIGATION))).toBe(true);
    expect(isCrossSiteNavigation(from('none', NAVIGATION))).toBe(false);
    expect(isCrossSiteNavigation(from('cross-site', { 'sec-fetch-mode': 'cors' }))).toBe(false);
    expect(isCrossSiteNavigation({ accept: 'text/html' })).toBe(false);
  });
});
