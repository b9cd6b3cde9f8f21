import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { told } from '../support/answers.ts';
import { openHouse, type House } from '../support/house.ts';
import { UpstreamStub } from '../support/upstream-stub.ts';

interface User {
  readonly name: string;
  cookie: string;
}

/** Whose JWT access token this is. */
function subjectOf(authorization: string | undefined): string {
  const payload = authorization?.split('.')[1] ?? '';
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string }).sub;
}

describe('several users at once', () => {
  let house: House;
  let upstream: UpstreamStub;
  let users: User[];

  beforeEach(async () => {
    upstream = await UpstreamStub.start((request, response) => response.end(subjectOf(request.headers.authorization)));
    house = await openHouse({
      routes: () => [{ path: '/api', upstream: upstream.origin, stripPrefix: true }],
      provider: { accessTokenFormat: 'jwt' },
      config: { cookie: { budget: '12KiB' } },
    });
    users = [];
    for (const name of ['alice', 'bob', 'erin']) {
      const agent = house.newAgent();
      await agent.login(name);
      users.push({ name, cookie: house.cookiesOf(agent) });
    }
    house.provider.stats.reset();
  });

  afterEach(async () => {
    await house.close();
    await upstream.close();
  });

  it('never get each other’s token or cookie, through refresh after refresh', async () => {
    for (let round = 1; round <= 5; round++) {
      house.expireAccessToken();
      const calls = Array.from({ length: 10 }, () => users).flat();
      const answers = await Promise.all(
        calls.map(async (user) => {
          const answer = await house.call('/api/x', { cookie: user.cookie });
          return { user, set: told(answer).set, subject: await answer.text() };
        }),
      );
      expect(answers.map(({ subject }) => subject)).toEqual(calls.map(({ name }) => name));
      expect(house.provider.stats.refreshes).toBe(round * users.length);
      for (const { user, set } of answers) user.cookie = set.join('; ');
      for (const { name, cookie } of users) {
        const own = new Set(answers.filter(({ user }) => user.name === name).map(({ set }) => set.join('; ')));
        expect([...own]).toEqual([cookie]);
        expect(await (await house.call('/bff/session', { cookie })).json()).toMatchObject({ user: { sub: name } });
      }
    }
  });
});
