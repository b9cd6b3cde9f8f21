import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuthModule } from '../../../src/auth/auth.module.ts';
import { ENDPOINTS, allowedMethods, type EndpointRules } from '../../../src/auth/endpoints.ts';
import { AuthApp, NAVIGATION, createNest } from '../../support/auth-app.ts';
import { header, rawExchange } from '../../support/raw-http.ts';

const QUERY_MODE = { responseMode: 'query' } as const;
const rules: readonly (readonly [path: string, allow: string])[] = Object.values(ENDPOINTS).map((it: EndpointRules) => [
  it.path,
  allowedMethods(it, QUERY_MODE).join(', '),
]);
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'PROPFIND'];
const wrong = rules.flatMap(([path, allow]) =>
  METHODS.filter((method) => !allow.split(', ').includes(method)).map((method) => [method, path, allow] as const),
);

describe('the endpoints', () => {
  let app: AuthApp;
  beforeAll(async () => {
    app = await AuthApp.start({ options: { passwordLogin: { enabled: true, perMinute: 5 } } });
  });
  afterAll(() => app.stop());

  it('know exactly the methods of the reference', () => {
    expect(Object.fromEntries(rules)).toEqual({
      '/login': 'GET',
      '/callback': 'GET',
      '/continue': 'GET',
      '/session': 'GET, HEAD',
      '/refresh': 'POST',
      '/password-login': 'POST',
      '/logout': 'GET, POST',
      '/logout/provider': 'GET',
      '/logged-out': 'GET, HEAD',
    });
  });

  it.each(wrong)('answer %s %s with 405 and Allow: %s', async (method, path, allow) => {
    const answer = await app.fetch(`/bff${path}`, { method, headers: { 'content-type': 'text/plain' } });
    expect(answer.status).toBe(405);
    expect(answer.headers).toMatchObject({ allow, 'cloakroom-error': 'method_not_allowed', 'cache-control': 'no-store' });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.setCookies).toEqual([]);
  });

  it('judge the method before they look at a body of the wrong type', async () => {
    const answer = await app.fetch('/bff/session', { method: 'POST', headers: { 'content-type': 'no media type' }, body: 'x' });
    expect(answer.status).toBe(405);
  });

  it('refuse a body of no type at all with 415 where the method is right', async () => {
    const answer = await app.fetch('/bff/logout', { method: 'POST', headers: { 'content-type': 'no media type' }, body: 'x' });
    expect(answer).toMatchObject({ status: 415, headers: { 'cloakroom-error': 'unsupported_media_type' } });
  });

  it.each(['/bff', '/bff/', '/bff/nothing', '/bff/login/', '/bff/Login', '/bff/logout/provider/x'])('answer %s with 404', async (path) => {
    const answer = await app.fetch(path);
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ code: 'route_not_found', requestId: 'request-1' });
  });

  it.each(METHODS)('answer %s /password-login with 404 while it is off, whatever else is wrong with the request', async (method) => {
    const off = await AuthApp.start();
    const headers = { 'content-type': 'text/plain', 'sec-fetch-site': 'cross-site' };
    const answer = await off.fetch('/bff/password-login', { method, headers });
    expect([answer.status, answer.headers['cloakroom-error'], answer.headers['allow']]).toEqual([404, 'route_not_found', undefined]);
    await off.stop();
  });

  it('answer a navigation with a page of the same status and code', async () => {
    const answer = await app.navigate('/bff/nothing');
    expect(answer).toMatchObject({ status: 404, headers: { 'cloakroom-error': 'route_not_found' } });
    expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(answer.body).toContain('route_not_found');
  });

  it.each(['/bff/session', '/bff/login', '/bff/continue', '/bff/logged-out', '/bff/nothing'])(
    'say on %s that nothing may be sniffed, embedded, or stored, and which request it was (A83)',
    async (path) => {
      const answer = await app.fetch(path);
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
        'x-request-id': 'request-1',
      });
    },
  );

  it('answer HEAD as GET without a body', async () => {
    const port = await app.listen();
    const answer = await rawExchange(port, 'HEAD /bff/session HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', { bodiless: true });
    expect(answer.status).toBe(200);
    expect(Number(header(answer, 'content-length'))).toBeGreaterThan(0);
  });

  it.each([
    ['POST', '/bff/refresh'],
    ['POST', '/bff/logout'],
    ['POST', '/bff/password-login'],
    ['GET', '/bff/session'],
  ])('refuse %s %s from another site (A78, A79)', async (method, path) => {
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
      const answer = await app.fetch(path, { method, headers });
      expect(answer).toMatchObject({ status: 403, headers: { 'cloakroom-error': 'csrf_refused' }, setCookies: [] });
    }
  });

  it('refuse a foreign form in an old browser, and a missing proof', async () => {
    const old = { accept: 'text/html' };
    expect((await app.send('/bff/logout', { method: 'POST', headers: { ...old, origin: 'https://evil.example' } })).status).toBe(403);
    expect((await app.send('/bff/logout', { method: 'POST', headers: old })).status).toBe(403);
    expect((await app.send('/bff/logout', { method: 'POST', headers: { ...old, origin: app.parts.urls.origin } })).status).toBe(200);
  });

  it('answer an unexpected error with nothing but the request id', async () => {
    const broken = await AuthApp.start({
      parts: (parts) => ({
        ...parts,
        resolver: {
          resolve: () => {
            throw new TypeError('token at:secret:1');
          },
        },
      }),
    });
    const answer = await broken.fetch('/bff/session');
    expect(answer.status).toBe(500);
    expect(answer.json()).toEqual({
      type: 'urn:cloakroom:problem:internal_error',
      title: 'Internal error',
      status: 500,
      code: 'internal_error',
      requestId: 'request-1',
    });
    expect(broken.logger.of('internal_error')).toHaveLength(1);
    expect(JSON.stringify(broken.logger.lines)).not.toContain('at:secret:1');
    await broken.stop();
  });

  it('are independent of those of another application in the same process', async () => {
    const other = await AuthApp.start({ path: '/app' });
    await app.login();
    await other.login();
    expect(await app.session()).toMatchObject({ authenticated: true });
    expect(await other.session()).toMatchObject({ authenticated: true, logoutUrl: expect.stringMatching(/^\/app\/bff\/logout\?id=/) });
    expect(app.provider.exchanges).toHaveLength(1);
    expect(other.provider.exchanges).toHaveLength(1);
    await other.stop();
  });

  it('answer a foreign frame or script with no page that can be framed (A84)', async () => {
    for (const path of ['/bff/login', '/bff/logout', '/bff/continue']) {
      const answer = await app.send(path, {
        cookie: '',
        headers: { ...NAVIGATION, 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' },
      });
      expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'");
    }
  });
});

describe('a handler without a stance of its own', () => {
  @Controller()
  class Forgotten {
    @Get('/bff/forgotten')
    forgotten(): string {
      return 'open';
    }
  }

  const start = async (): Promise<NestFastifyApplication> => {
    const app = await AuthApp.start();
    @Module({ imports: [AuthModule.forFrontend(app.parts)], controllers: [Forgotten] })
    class Careless {}
    return createNest(Careless);
  };

  it('stops the process from starting', async () => {
    const nest = await start();
    await expect(nest.init()).rejects.toThrow('Forgotten.forgotten has no endpoint rules');
  });

  it('is refused even if the process had started', async () => {
    const nest = await start();
    await nest.init().catch(() => undefined);
    await nest.getHttpAdapter().getInstance().ready();
    const answer = await nest.inject({ url: '/bff/forgotten' });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('open');
  });
});
