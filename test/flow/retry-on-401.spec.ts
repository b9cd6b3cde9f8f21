import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { UpstreamStub } from '../support/upstream-stub.ts';

/** An API that a policy change has taken all tokens from which were issued before it. */
describe('an API that refuses a token before its time', () => {
  let house: House;
  let upstream: UpstreamStub;
  const refused = new Set<string | undefined>();

  beforeAll(async () => {
    upstream = await UpstreamStub.start((request, response) => {
      const { authorization } = request.headers;
      if (refused.has(authorization)) response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end();
      else response.end('welcome');
    });
    const routes = () => [
      { path: '/api', upstream: upstream.origin, retryOn401: true },
      { path: '/plain', upstream: upstream.origin },
    ];
    house = await openHouse({ routes });
  });

  afterAll(async () => {
    await house.close();
    await upstream.close();
  });

  it('is asked once more with a renewed token, and the page never notices', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    const cookie = house.cookiesOf(agent);
    expect((await house.call('/api/x', { cookie })).status).toBe(200);
    refused.add(upstream.requests.at(-1)?.headers.authorization);
    house.clock.skip(3_000); // beyond refresh.cooldown
    const plain = await house.call('/plain/x', { cookie });
    expect([plain.status, plain.headers.get('cloakroom-error')]).toEqual([401, null]);
    const grants = house.provider.stats.tokenRequests.length;
    const hits = upstream.requests.length;
    const answers = await Promise.all(Array.from({ length: 20 }, () => house.call('/api/x', { cookie })));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(answers.every((answer) => answer.headers.getSetCookie().length === 1)).toBe(true);
    expect(house.provider.stats.tokenRequests.length - grants).toBe(1);
    // Those that came late enough had the renewed token at once; nobody was tried a third time.
    expect(upstream.requests.length - hits).toBeGreaterThan(20);
    expect(upstream.requests.length - hits).toBeLessThanOrEqual(40);
    const renewed = answers[0]?.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    expect((await house.call('/plain/x', { cookie: renewed })).status).toBe(200);
  });

  it('that refuses every token is told the truth about: its 401, one renewal, no loop', async () => {
    const agent = house.newAgent();
    await agent.login('alice');
    house.clock.skip(3_000);
    upstream.handler = (_request, response) => response.writeHead(401).end('never');
    const hits = upstream.requests.length;
    const answer = await house.call('/api/x', { cookie: house.cookiesOf(agent) });
    expect([answer.status, await answer.text(), answer.headers.get('cloakroom-error')]).toEqual([401, 'never', null]);
    expect([upstream.requests.length - hits, answer.headers.getSetCookie().length]).toEqual([2, 1]);
  });
});
