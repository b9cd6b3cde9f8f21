import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { exchange } from '../support/exchange.ts';

describe('the management port', () => {
  let house: House;

  beforeEach(async () => {
    house = await openHouse();
  });

  afterEach(() => house.close());

  const ask = (path: string, method = 'GET', headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    exchange({ method, url: new URL(path, house.managementUrl), headers, body: undefined, signal: undefined });

  it('says that the process lives', async () => {
    const answer = await ask('/livez');
    expect([answer.status, answer.headers.get('content-type'), await answer.json()]).toEqual([200, 'application/json', { status: 'live' }]);
  });

  it('says that the process is ready, and what it knows of the provider', async () => {
    await house.newAgent().navigate('/bff/login');
    const answer = await ask('/readyz');
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ready', provider: 'up', redis: 'off' }]);
  });

  it('stays ready while the provider is down', async () => {
    await house.newAgent().navigate('/bff/login');
    await house.provider.control.down();
    expect((await ask('/readyz')).status).toBe(200);
    await house.provider.control.up();
  });

  it('says that the process drains, and the app still answers', async () => {
    house.app.announceShutdown();
    const answer = await ask('/readyz');
    expect([answer.status, await answer.json()]).toEqual([503, { status: 'draining' }]);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await ask('/livez')).status).toBe(200);
    expect((await house.newAgent().fetch('/bff/session')).status).toBe(200);
  });

  it.each(['/', '/metrics/', '/bff/session', '/api/orders', '/livez/', '/revoke'])('knows no %s', async (path) => {
    expect((await ask(path)).status).toBe(404);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('knows no %s', async (method) => {
    const answers = [await ask('/livez', method), await ask('/readyz', method)];
    expect(answers.map(({ status, headers }) => [status, headers.get('allow')])).toEqual([
      [405, 'GET, HEAD'],
      [405, 'GET, HEAD'],
    ]);
  });

  it('answers HEAD without a body, ignores the query and checks no Host', async () => {
    expect(await (await ask('/livez', 'HEAD')).text()).toBe('');
    const answer = await ask('/readyz?verbose=1', 'GET', { host: 'anything.internal' });
    expect(answer.status).toBe(200);
  });

  it('is not reachable through the public port', async () => {
    const answers = await Promise.all(['/livez', '/readyz'].map((path) => house.newAgent().fetch(path)));
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
  });
});
