import type { Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { listenOn } from '../../../src/ops/listen.ts';
import { createManagementServer } from '../../../src/ops/management-server.ts';

describe('the management port', () => {
  let server: Server;
  let origin: string;
  let draining = false;
  let provider: 'up' | 'down' | 'unknown' = 'unknown';
  let redis: 'up' | 'down' | 'off' = 'off';

  beforeEach(async () => {
    draining = false;
    server = createManagementServer({ draining: () => draining, provider: () => provider, redis: () => redis }, () => 'id-1');
    const { port } = await listenOn(server, { host: '127.0.0.1', port: 0 }, 'management.port');
    origin = `http://127.0.0.1:${port}`;
  });

  afterEach(() => void server.close());

  it.each([
    ['up', 'off'],
    ['down', 'up'],
    ['unknown', 'down'],
  ] as const)('is ready whatever the provider and Redis are: %s, %s', async (ofProvider, ofRedis) => {
    [provider, redis] = [ofProvider, ofRedis];
    const answer = await fetch(`${origin}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ready', provider, redis }]);
  });

  it('is live and not ready while it drains', async () => {
    draining = true;
    const [ready, live] = await Promise.all([fetch(`${origin}/readyz?probe=1`), fetch(`${origin}/livez`)]);
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'draining' }]);
    expect(ready.headers.get('retry-after')).toBe('5');
    expect([live.status, await live.json()]).toEqual([200, { status: 'live' }]);
  });

  it.each([
    ['GET', '/', 404],
    ['GET', '/metrics', 404],
    ['POST', '/revoke', 404],
    ['POST', '/livez', 405],
    ['DELETE', '/readyz', 405],
    ['HEAD', '/livez', 200],
  ])('answers %s %s with %d', async (method, path, status) => {
    const answer = await fetch(`${origin}${path}`, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('allow')).toBe(status === 405 ? 'GET, HEAD' : null);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-request-id')).toBe('id-1');
  });
});
