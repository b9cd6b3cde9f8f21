import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Fault } from '../../demo/provider/faults.ts';
import { told } from '../support/answers.ts';
import { eventually } from '../support/eventually.ts';
import { RedisServers } from '../support/redis-server.ts';
import { Replicas } from '../support/replica-processes.ts';

/** What goes wrong at the provider, and whether the refresh token may be spent after it. */
const FAULTS: readonly (readonly [string, Fault])[] = [
  ['hangs', { kind: 'hang' }],
  ['resets the connection', { kind: 'reset' }],
  ['answers 502', { kind: 'status', status: 502 }],
  ['answers something else', { kind: 'garbage' }],
];

describe('two processes and a Redis, at a provider in trouble', () => {
  const servers = new RedisServers();
  let replicas: Replicas;

  beforeEach(async () => {
    const redis = await servers.startSettled();
    const config = { provider: { timeout: '500ms' }, refresh: { breaker: { failures: 1000, pause: '100ms' } } };
    replicas = await Replicas.open({ count: 2, redisUrl: () => redis.url, provider: { rotation: 'one-time' }, config });
  });

  afterEach(async () => {
    await replicas.close();
    await servers.close();
  });

  const verdictOf = async (n: number, cookie: string): Promise<string> => {
    const { status, code } = told(await replicas.call(n, '/api/x', { cookie }));
    return `${String(status)} ${code ?? ''}`.trim();
  };

  it.each(FAULTS)('that %s: nobody is logged out, and both have one new cookie when it is over', async (_what, fault) => {
    const { cookie } = await replicas.expired();
    replicas.provider.control.fail('token', fault, Infinity);
    const verdicts = await Promise.all([0, 1, 0, 1].map((n) => verdictOf(n, cookie)));
    expect(verdicts).toEqual(Array(4).fill('503 provider_unavailable'));
    replicas.provider.stats.reset();
    replicas.provider.control.recover('token');
    for (const n of [0, 1]) await eventually(async () => (await replicas.call(n, '/api/x', { cookie })).status === 200);
    const tickets = await Promise.all([0, 1].map(async (n) => told(await replicas.call(n, '/api/late', { cookie })).set.join()));
    expect([new Set(tickets).size, tickets[0]]).toEqual([1, expect.stringContaining('__Host-Http-cloakroom=Fe26')]);
    expect(replicas.grants()).toEqual([200]);
  });

  it('that says 429: it is left alone, and then asked once', async () => {
    const { cookie } = await replicas.expired();
    replicas.provider.control.fail('token', { kind: 'status', status: 429, headers: { 'retry-after': '1' } }, 1);
    const answers = await Promise.all([0, 1].map((n) => replicas.call(n, '/api/x', { cookie })));
    for (const answer of answers) expect([200, 503]).toContain(answer.status);
    await eventually(async () => (await replicas.call(1, '/api/x', { cookie })).status === 200);
    expect(replicas.grants().filter((status) => status === 200)).toEqual([200]);
  });

  it('that may have spent a refresh token: no process sends it again while the access token is good', async () => {
    const { cookie } = await replicas.lasting(20_000);
    replicas.provider.control.fail('token', { kind: 'reset', when: 'after' }, 1);
    for (const n of [0, 1, 0, 1]) {
      const answer = await replicas.call(n, '/api/x', { cookie });
      expect(told(answer)).toMatchObject({ status: 200, set: [] });
    }
    await eventually(() => replicas.provider.stats.hits.token === 1);
    expect(replicas.provider.stats.hits.token).toBe(1);
  });
});
