import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startEchoApi, type EchoApi } from '../../../demo/api/echo-api.ts';

let api: EchoApi;

beforeAll(async () => {
  api = await startEchoApi({ stats: () => ({ refreshes: 3 }) });
});
afterAll(() => api.close());
beforeEach(() => api.reset());

async function json(path: string, init?: RequestInit): Promise<unknown> {
  return (await fetch(api.origin + path, init)).json();
}

describe('the echo API', () => {
  it('tells what it received, and never a token or a cookie', async () => {
    const headers = { authorization: 'Bearer opaque-token', cookie: 'a=secret-value', 'x-request-id': 'r1' };
    const response = await fetch(`${api.origin}/orders/42?x=1`, { method: 'DELETE', headers });
    const text = await response.text();
    const fingerprint = createHash('sha256').update('opaque-token').digest('hex').slice(0, 8);
    expect(JSON.parse(text)).toMatchObject({
      method: 'DELETE',
      url: '/orders/42?x=1',
      bearer: { fingerprint, expiresIn: null },
      cookie: true,
      headers: { 'x-request-id': 'r1' },
    });
    expect(text).not.toMatch(/opaque-token|secret-value/);
    expect(api.requests).toHaveLength(1);
  });

  it('tells how long a JWT lasts', async () => {
    const payload = Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1000) + 1000 })).toString('base64url');
    const answer = await json('/', { headers: { authorization: `Bearer e30.${payload}.x` } });
    expect(answer).toMatchObject({ bearer: { expiresIn: expect.closeTo(1000, -1) } });
  });

  it('lets nobody without a bearer into /private', async () => {
    expect((await fetch(`${api.origin}/private`)).status).toBe(401);
    expect(await json('/private', { headers: { authorization: 'Bearer x' } })).toMatchObject({ cookie: false });
  });

  it('counts and hashes an upload', async () => {
    const body = Buffer.alloc(300_000, 'x');
    const sha256 = createHash('sha256').update(body).digest('hex');
    expect(await json('/upload', { method: 'POST', body })).toMatchObject({ bytes: 300_000, sha256 });
  });

  it('sends as many bytes as asked for', async () => {
    const response = await fetch(`${api.origin}/download?bytes=200001`);
    expect(response.headers.get('content-length')).toBe('200001');
    expect((await response.bytes()).length).toBe(200_001);
  });

  it('sends events', async () => {
    const response = await fetch(`${api.origin}/sse?count=2&every=1`);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(await response.text()).toBe('id: 1\nevent: tick\ndata: {"count":1}\n\nid: 2\nevent: tick\ndata: {"count":2}\n\n');
  });

  it('answers with any status, cookies and redirects', async () => {
    expect((await fetch(`${api.origin}/status/418`)).status).toBe(418);
    expect((await fetch(`${api.origin}/set-cookie`)).headers.getSetCookie()).toHaveLength(2);
    const redirect = await fetch(`${api.origin}/redirect?to=/there`, { redirect: 'manual' });
    expect([redirect.status, redirect.headers.get('location')]).toEqual([302, '/there']);
  });

  it('dies in the middle of a body, or before any answer', async () => {
    const cut = await fetch(`${api.origin}/die-mid-body`);
    await expect(cut.text()).rejects.toThrow('terminated');
    await expect(fetch(`${api.origin}/die-before-head`)).rejects.toThrow('fetch failed');
  });

  it('refuses an upload before it was read', async () => {
    expect((await fetch(`${api.origin}/early-413`, { method: 'POST', body: 'x' })).status).toBe(413);
  });

  it('publishes the stats it was given', async () => {
    expect(await json('/demo-stats')).toEqual({ refreshes: 3 });
  });

  it('goes down and comes up on the same port', async () => {
    await api.down();
    await expect(fetch(api.origin)).rejects.toThrow('fetch failed');
    await api.up();
    expect((await fetch(api.origin)).status).toBe(200);
  });
});
