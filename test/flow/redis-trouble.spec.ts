import { afterEach, describe, expect, it } from '@jest/globals';
import { fingerprintOf, told } from '../support/answers.ts';
import { eventually } from '../support/eventually.ts';
import { openHouse, type House, type HouseOptions } from '../support/house.ts';
import { SessionMint } from '../support/minted-sessions.ts';
import { RedisServers, type RedisServer } from '../support/redis-server.ts';
import { freePort } from '../support/free-port.ts';

describe('a house with Redis', () => {
  const servers = new RedisServers();
  let house: House;
  let redis: RedisServer;

  afterEach(async () => {
    await house.close();
    await servers.close();
  });

  async function open(options: HouseOptions = {}): Promise<void> {
    redis = await servers.startSettled();
    house = await openHouse({ ...options, config: { redis: { url: redis.url }, ...options.config } });
    await redisIs('up');
  }

  const statusOfRedis = async (): Promise<unknown> => {
    const answer = await fetch(`${house.managementUrl}/readyz`);
    return [answer.status, ((await answer.json()) as { redis: string }).redis];
  };
  const redisIs = (status: 'up' | 'down'): Promise<void> =>
    eventually(async () => JSON.stringify(await statusOfRedis()) === JSON.stringify([200, status]));
  const minted = async (sub: string, lifetime: number): Promise<string> => (await new SessionMint(house).mint(sub, lifetime)).cookie;
  const expired = (sub = 'alice'): Promise<string> => minted(sub, -1000);
  const grants = (): number[] => house.provider.stats.tokenRequests.map(({ status }) => status);
  const events = (...names: string[]): string[] => house.log.lines.map(({ event }) => event).filter((event) => names.includes(event));
  const verdict = (answer: Response): string => `${String(answer.status)} ${told(answer).code ?? ''}`.trim();
  const call = (cookie: string, path = '/api/x'): Promise<Response> => house.call(path, { cookie });
  const tickets = async (): Promise<number> => (await redis.cli(['keys', '*ticket*'])).split('\n').filter((key) => key !== '').length;

  async function metrics(...names: string[]): Promise<string[]> {
    const text = await (await fetch(`${house.managementUrl}/metrics`)).text();
    return text.split('\n').filter((line) => names.some((name) => line.startsWith(`cloakroom_${name}`)));
  }

  /** Commands that sessions needed. Every now and then a process looks whether Redis was emptied: that is nobody's request. */
  async function commands(): Promise<number> {
    const counts = (await metrics('redis_commands_total')).filter((line) => !/"begun|:text"/.test(line));
    return counts.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
  }

  describe('that serves', () => {
    it('asks it nothing for a request that needs no refresh; a refresh is a claim, a word that the token is sent, and a publication', async () => {
      await open();
      const ticket = told(await call(await expired('bob'))).set.join();
      const before = await commands();
      for (let n = 0; n < 20; n++) expect((await call(ticket)).status).toBe(200);
      expect(await commands()).toBe(before);

      expect((await call(await expired('alice'))).status).toBe(200);
      expect((await commands()) - before).toBe(3);
      expect(grants()).toEqual([200, 200]);
    });

    it('tells it once that the browser has the new cookie, and nobody waits for that', async () => {
      await open();
      const ticket = told(await call(await expired())).set.join();
      const before = await commands();
      house.clock.skip(46_000);
      for (let n = 0; n < 5; n++) expect((await call(ticket)).status).toBe(200);
      await eventually(async () => (await commands()) > before);
      for (let n = 0; n < 5; n++) await call(ticket);
      expect(await commands()).toBe(before + 1);
    });
  });

  it('never holds a token, and no key of its is for ever', async () => {
    await open();
    const tokens: string[] = [];
    const change = (answer: Readonly<Record<string, unknown>>): Record<string, unknown> => {
      tokens.push(...['access_token', 'refresh_token', 'id_token'].map((name) => String(answer[name])));
      return { ...answer };
    };
    house.provider.control.fail('token', { kind: 'rewrite', change }, Infinity);
    const answer = await call(await expired());
    const [ticket = ''] = told(answer).set;
    const cookieValue = ticket.slice(ticket.indexOf('=') + 1);
    expect([answer.status, cookieValue.length > 200]).toEqual([200, true]);
    expect(tokens.filter((token) => token.length > 20)).toHaveLength(3);
    const keys = (await redis.cli(['keys', 'cloakroom:*{*'])).split('\n');
    expect(keys.map((key) => key.replace(/\{.*\}/, '{sid}')).sort()).toEqual(['cloakroom:head:{sid}', 'cloakroom:ticket:{sid}']);
    for (const key of keys) {
      const content = key.includes('ticket') ? await redis.cli(['get', key]) : await redis.cli(['hgetall', key]);
      expect(content.length).toBeGreaterThan(10);
      // Nor what a browser presents: whoever reads it there could present it.
      for (const secret of [...tokens, cookieValue, cookieValue.slice(0, 100)]) expect(content).not.toContain(secret);
      expect(Number(await redis.cli(['pttl', key]))).toBeGreaterThan(0);
    }
  });

  describe('that is not there at the start', () => {
    it('serves, keeps the session, and goes on as soon as it is there', async () => {
      const port = await freePort();
      house = await openHouse({ config: { redis: { url: `redis://127.0.0.1:${String(port)}` }, refresh: { wait: '500ms' } } });
      const [good, over] = [await minted('bob', 200_000), await expired()];
      expect((await call(good)).status).toBe(200);
      expect(await statusOfRedis()).toEqual([200, 'down']);
      const refused = await call(over);
      expect(told(refused)).toEqual({ status: 503, code: 'store_unavailable', set: [], cleared: [], retryAfter: expect.any(String) });
      const session = await house.call('/bff/session', { cookie: over });
      expect([session.status, await session.json()]).toEqual([200, expect.objectContaining({ authenticated: true })]);
      expect([grants(), events('redis_unreachable')]).toEqual([[], ['redis_unreachable']]);

      redis = await servers.start({ port });
      await redisIs('up');
      // It knows nothing: other processes may have to tell it something first.
      await eventually(async () => (await call(over)).status === 200);
      expect([grants(), events('redis_unreachable', 'redis_reachable')]).toEqual([[200], ['redis_unreachable', 'redis_reachable']]);
    });

    it('gives a request that waits its tokens when it comes in time', async () => {
      const port = await freePort();
      house = await openHouse({ config: { redis: { url: `redis://127.0.0.1:${String(port)}` } } });
      const waiting = [call(await expired()), call(await expired('bob'))];
      redis = await servers.start({ port });
      expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
      expect(grants()).toEqual([200, 200]);
    });
  });

  describe('that goes away', () => {
    it('with one-time tokens and no leeway: nothing early, 503 when the token is over, the session kept', async () => {
      await open({ config: { refresh: { wait: '500ms' } } });
      const early = await minted('bob', 10_000);
      const over = await expired();
      await redis.stop();
      await redisIs('down');
      expect(await Promise.all([call(early), call(early)]).then((all) => all.map(verdict))).toEqual(['200', '200']);
      expect(verdict(await call(over))).toBe('503 store_unavailable');
      expect(verdict(await house.call('/bff/refresh', { cookie: early, method: 'POST' }))).toBe('503 store_unavailable');
      expect(grants()).toEqual([]);
      await redis.start();
      await redis.settle();
      await redisIs('up');
      expect(await Promise.all([call(over), call(early)]).then((all) => all.map(verdict))).toEqual(['200', '200']);
      expect(grants()).toEqual([200, 200]);
    });

    it.each([
      ['auto', { refresh: { providerLeeway: '5s' } }, 'one-time'],
      ['risk', { refresh: { withoutCoordination: 'risk' } }, 'one-time'],
    ] as const)('with %s, where it may: the process goes on by itself, and publishes later', async (_how, config, rotation) => {
      await open({ config, provider: { rotation } });
      const over = await expired();
      await redis.stop();
      await redisIs('down');
      const answers = await Promise.all(Array.from({ length: 10 }, () => call(over)));
      expect([answers.map(verdict), grants()]).toEqual([Array(10).fill('200'), [200]]);
      expect(new Set(answers.map((answer) => told(answer).set.join())).size).toBe(1);
      expect(events('refresh_uncoordinated', 'shared_store_behind').sort()).toEqual(['refresh_uncoordinated', 'shared_store_behind']);
      expect(await metrics('redis_up', 'refresh_uncoordinated_total', 'redis_backlog', 'refresh_grants_total')).toEqual([
        'cloakroom_refresh_grants_total{outcome="granted"} 1',
        'cloakroom_redis_up 0',
        'cloakroom_refresh_uncoordinated_total 1',
        'cloakroom_redis_backlog 1',
        'cloakroom_redis_backlog_lost_total 0',
      ]);
      await redis.start();
      await eventually(async () => (await tickets()) === 1);
    });

    it('with tokens that were seen to stay the same, goes on as well, unless told to wait', async () => {
      await open({ provider: { rotation: 'static' }, config: { refresh: { wait: '500ms' } } });
      const ticket = told(await call(await expired())).set.join();
      await redis.stop();
      await redisIs('down');
      house.expireAccessToken();
      expect(verdict(await call(ticket))).toBe('200');
      await house.reopen({ refresh: { withoutCoordination: 'wait' } });
      expect(verdict(await call(ticket))).toBe('503 store_unavailable');
      expect(grants()).toEqual([200, 200]);
    });

    it('in the middle of a refresh: the answer has the new cookie, and Redis gets it when it is back', async () => {
      await open();
      const over = await expired();
      const gate = house.provider.control.hold('token', 'after');
      const answer = call(over);
      await gate.waitFor(1);
      await redis.stop();
      gate.open();
      expect(told(await answer).set).toHaveLength(1);
      expect(events('shared_store_behind')).toHaveLength(1);
      expect((await call(over, '/api/late')).status).toBe(200);
      await redis.start();
      await eventually(async () => (await tickets()) === 1);
      expect(grants()).toEqual([200]);
    });
  });

  describe('that hangs', () => {
    it('holds up nobody whose token is good, and takes no session from the others', async () => {
      await open();
      const [good, over] = [await minted('bob', 200_000), await expired()];
      redis.hang();
      const waiting = call(over);
      expect((await call(good)).status).toBe(200);
      await redisIs('down');
      redis.wake();
      expect(verdict(await waiting)).toBe('200');
      expect(grants()).toEqual([200]);
    });
  });

  describe('that is emptied', () => {
    it('in the middle of a refresh or after it: this process still hands out the one new cookie', async () => {
      await open();
      const over = await expired();
      const gate = house.provider.control.hold('token', 'before');
      const answer = call(over);
      await gate.waitFor(1);
      await redis.cli(['flushall']);
      gate.open();
      const [ticket] = told(await answer).set;
      await redis.cli(['flushall']);
      await redis.cli(['script', 'flush']);
      const late = await call(over, '/api/late');
      expect([told(late).set, grants()]).toEqual([[ticket], [200]]);
      house.expireAccessToken();
      expect((await call(ticket ?? '')).status).toBe(200);
    });

    it('by a restart: it gets what this process knows', async () => {
      await open();
      for (const sub of ['alice', 'bob', 'carol']) expect((await call(await expired(sub))).status).toBe(200);
      await redis.stop();
      await redisIs('down');
      await redis.start();
      await eventually(async () => (await tickets()) === 3);
      await eventually(() => events('store_was_emptied').length > 0);
      expect(events('store_was_emptied')).toHaveLength(1);
    });
  });

  describe('that takes no writes', () => {
    const made = { readonly: ['replicaof', '127.0.0.1', '1'], oom: ['config', 'set', 'maxmemory', '1'] };
    const mended = { readonly: ['replicaof', 'no', 'one'], oom: ['config', 'set', 'maxmemory', '0'] };

    it('before a refresh: it is 503 as long as that, and then goes on', async () => {
      await open({ config: { refresh: { wait: '500ms' } } });
      const over = await expired();
      await redis.cli(made.readonly);
      expect(verdict(await call(over))).toBe('503 store_unavailable');
      await redis.cli(mended.readonly);
      await eventually(async () => verdict(await call(over)) === '200');
      expect(grants()).toEqual([200]);
    });

    it.each(['readonly', 'oom'] as const)('(%s) in the middle of a refresh: nothing is lost', async (how) => {
      await open();
      const over = await expired();
      const gate = house.provider.control.hold('token', 'after');
      const answer = call(over);
      await gate.waitFor(1);
      await redis.cli(made[how]);
      gate.open();
      const [ticket] = told(await answer).set;
      expect(ticket).toContain('__Host-Http-cloakroom=');
      await redis.cli(mended[how]);
      await eventually(async () => (await tickets()) === 1);
      expect([(await call(over, '/api/late')).status, grants()]).toEqual([200, [200]]);
    });
  });

  it('gives nobody another one’s tokens, however Redis comes and goes', async () => {
    await open({ config: { refresh: { wait: '2s' } } });
    const users = ['alice', 'bob', 'carol', 'dave'];
    const cookies = new Map<string, string>();
    for (const sub of users) cookies.set(sub, told(await call(await expired(sub))).set.join());
    const prints = async (): Promise<string[]> =>
      Promise.all(users.map(async (sub) => fingerprintOf(await eventuallyGood(() => call(cookies.get(sub) ?? '')))));
    const first = await prints();
    for (const trouble of [() => redis.cli(['flushall']), () => redis.stop(), () => redis.start()]) {
      await trouble();
      expect(await prints()).toEqual(first);
    }
    expect(new Set(first).size).toBe(users.length);
  });
});

async function eventuallyGood(ask: () => Promise<Response>): Promise<Response> {
  for (;;) {
    const answer = await ask();
    if (answer.status === 200) return answer;
  }
}
