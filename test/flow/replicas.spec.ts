import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fingerprintOf, told } from '../support/answers.ts';
import { eventually } from '../support/eventually.ts';
import { RedisServers, type RedisServer } from '../support/redis-server.ts';
import { Replicas } from '../support/replica-processes.ts';

const PROCESSES = 4;
const EACH = 50;

describe('three processes and a Redis, with short times', () => {
  const servers = new RedisServers();
  let replicas: Replicas;

  beforeEach(async () => {
    const redis = await servers.startSettled();
    const config = { refresh: { confirmAfter: '0s', handover: '1s' }, log: { level: 'warn' } };
    replicas = await Replicas.open({ count: 3, redisUrl: () => redis.url, provider: { rotation: 'one-time' }, config });
  });

  afterEach(async () => {
    await replicas.close();
    await servers.close();
  });

  it('refuse an older cookie after the handover, whichever saw the new one: nothing cleared, no grant, a line for the audit', async () => {
    const { cookie } = await replicas.expired();
    const ticket = told(await replicas.call(0, '/api/first', { cookie })).set.join();
    // Another process than the one that made it: that the browser has it is known through Redis.
    expect((await replicas.call(1, '/api/confirms', { cookie: ticket })).status).toBe(200);
    await eventually(async () => (await replicas.call(2, '/api/late', { cookie })).status === 401);

    const late = await replicas.call(2, '/api/late', { cookie });
    expect(told(late)).toEqual({ status: 401, code: 'session_superseded', set: [], cleared: [], retryAfter: undefined });
    expect(replicas.grants()).toEqual([200]);
    expect(await replicas.line(2, 'refresh_reuse_suspected')).toMatchObject({ sub: 'alice', generation: 1, newest: 2 });
    expect((await replicas.call(2, '/api/winner', { cookie: ticket })).status).toBe(200);
  });
});

describe('two processes and a Redis that is emptied', () => {
  const servers = new RedisServers();
  let replicas: Replicas;
  let redis: RedisServer;

  beforeEach(async () => {
    redis = await servers.startSettled();
    replicas = await Replicas.open({ count: 2, redisUrl: () => redis.url, provider: { rotation: 'one-time' } });
  });

  afterEach(async () => {
    await replicas.close();
    await servers.close();
  });

  it.each(['while they use it', 'by a restart'])(
    '%s: an older cookie is healed by the process that does not know, and never reaches the provider',
    async (how) => {
      const { cookie } = await replicas.expired();
      const ticket = told(await replicas.call(0, '/api/first', { cookie })).set.join();
      if (how === 'by a restart') {
        await redis.stop();
        await redis.start();
      } else await redis.cli(['flushall']);
      const late = await replicas.call(1, '/api/late', { cookie });
      expect([late.status, told(late).set.join()]).toEqual([200, ticket]);
      expect(replicas.grants()).toEqual([200]);
    },
  );
});

describe('four processes and a Redis, one-time refresh tokens without any grace', () => {
  const servers = new RedisServers();
  let replicas: Replicas;

  beforeEach(async () => {
    const redis = await servers.startSettled();
    replicas = await Replicas.open({ count: PROCESSES, redisUrl: () => redis.url, provider: { rotation: 'one-time' } });
  });

  afterEach(async () => {
    await replicas.close();
    await servers.close();
  });

  it('make one grant for fifty calls to each at once with an expired token, and hand out one ticket', async () => {
    const { cookie } = await replicas.expired();
    const calls = Array.from({ length: PROCESSES * EACH }, (_, n) => replicas.call(n % PROCESSES, `/api/orders/${String(n)}`, { cookie }));
    const answers = await Promise.all(calls);
    const tickets = [...new Set(answers.map((answer) => told(answer).set.join()))];

    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: PROCESSES * EACH }, () => 200));
    expect(replicas.grants()).toEqual([200]);
    expect(tickets).toEqual([expect.stringMatching(/^__Host-Http-cloakroom=Fe26/)]);
    expect(new Set(await Promise.all(answers.map((answer) => fingerprintOf(answer)))).size).toBe(1);
    expect(replicas.api.requests).toHaveLength(PROCESSES * EACH);

    // The next generation is known to nobody but Redis and the browser: every process goes on from it.
    const ticket = tickets.join();
    const next = await Promise.all(Array.from({ length: PROCESSES }, (_, n) => replicas.call(n, '/api/next', { cookie: ticket })));
    expect(next.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const late = await Promise.all(Array.from({ length: PROCESSES }, (_, n) => replicas.call(n, '/api/late', { cookie })));
    expect(late.map((answer) => told(answer).set.join())).toEqual(Array.from({ length: PROCESSES }, () => ticket));
    expect(replicas.grants()).toEqual([200]);
  });
});
