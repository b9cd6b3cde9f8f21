import type { Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { listenOn } from '../../../src/ops/listen.ts';
import type { Metric } from '../../../src/ops/prometheus.ts';
import { createManagementServer } from '../../../src/ops/management-server.ts';

describe('the management port', () => {
  let server: Server;
  let origin: string;
  let draining = false;
  let provider: 'up' | 'down' | 'unknown' = 'unknown';
  let redis: 'up' | 'down' | 'off' = 'off';
  let metrics: readonly Metric[] | undefined;

  beforeEach(async () => {
    draining = false;
    server = createManagementServer(
      { draining: () => draining, provider: () => provider, redis: () => redis, metrics: () => metrics },
      () => 'id-1',
    );
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

  it('tells metrics in the text format of Prometheus, where they are wanted', async () => {
    metrics = undefined;
    expect((await fetch(`${origin}/metrics`)).status).toBe(404);
    metrics = [
      {
        name: 'cloakroom_one_total',
        help: 'Ones.',
        type: 'counter',
        samples: [{ labels: { kind: 'a "quoted"\\\n' }, value: 2 }, { value: 3 }],
      },
      { name: 'cloakroom_two', help: 'Two.', type: 'gauge', samples: [] },
    ];
    const answer = await fetch(`${origin}/metrics`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(await answer.text()).toBe(
      [
        '# HELP cloakroom_one_total Ones.',
        '# TYPE cloakroom_one_total counter',
        String.raw`cloakroom_one_total{kind="a \"quoted\"\\\n"} 2`,
        'cloakroom_one_total 3',
        '# HELP cloakroom_two Two.',
        '# TYPE cloakroom_two gauge',
        '',
      ].join('\n'),
    );
    expect((await fetch(`${origin}/metrics`, { method: 'POST' })).status).toBe(405);
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
