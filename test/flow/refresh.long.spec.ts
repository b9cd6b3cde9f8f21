import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { told } from '../support/answers.ts';
import { openHouse, type House } from '../support/house.ts';
import { SeededRandom } from '../support/random.ts';
import { UpstreamStub } from '../support/upstream-stub.ts';

const CALLS = 10_000;
const AT_ONCE = 50;

interface User {
  readonly name: string;
  /** Every cookie of the last round and of this one: browsers send either. */
  cookies: string[];
}

/** Whose JWT access token this is. */
function subjectOf(authorization: string | undefined): string {
  const payload = authorization?.split('.')[1] ?? '';
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string }).sub;
}

describe('ten thousand calls of three users through refresh after refresh', () => {
  let house: House;
  let upstream: UpstreamStub;
  let users: User[];

  beforeEach(async () => {
    upstream = await UpstreamStub.start((request, response) => response.end(subjectOf(request.headers.authorization)));
    house = await openHouse({
      routes: () => [{ path: '/api', upstream: upstream.origin, stripPrefix: true }],
      provider: { accessTokenFormat: 'jwt', accessTokenTtl: 15 },
      config: { cookie: { budget: '12KiB' } },
    });
    users = [];
    for (const name of ['alice', 'bob', 'erin']) {
      const agent = house.newAgent();
      await agent.login(name);
      users.push({ name, cookies: [house.cookiesOf(agent)] });
    }
    house.provider.stats.reset();
  });

  afterEach(async () => {
    await house.close();
    await upstream.close();
  });

  it('lose nobody’s session, mix nobody up, and make one grant for each token', async () => {
    const random = new SeededRandom(65);
    for (let round = 1; round <= CALLS / AT_ONCE; round++) {
      house.expireAccessToken();
      const calls = Array.from({ length: AT_ONCE }, () => random.pick(users));
      const answers = await Promise.all(
        calls.map(async (user) => {
          const client = new AbortController();
          const answer = house.call('/api/x', { cookie: random.pick(user.cookies), signal: client.signal });
          if (random.chance(10)) client.abort(); // a tab that was closed
          return answer.then(
            async (it) => ({ user, status: it.status, subject: await it.text(), set: told(it).set.join('; ') }),
            () => undefined,
          );
        }),
      );
      const whole = answers.filter((answer) => answer !== undefined);
      expect(whole.map(({ status, subject }) => [status, subject])).toEqual(whole.map(({ user }) => [200, user.name]));
      for (const user of users) {
        const renewed = new Set(whole.filter((answer) => answer.user === user && answer.set !== '').map(({ set }) => set));
        expect(renewed.size).toBeLessThanOrEqual(1);
        user.cookies = [...user.cookies.slice(-1), ...renewed];
      }
    }
    expect(house.provider.stats.tokenRequests.filter(({ status }) => status !== 200)).toEqual([]);
    for (const { name, cookies } of users) {
      expect(house.provider.control.liveRefreshTokens(name)).toBe(1);
      expect(await (await house.call('/bff/session', { cookie: cookies.at(-1) ?? '' })).json()).toMatchObject({ user: { sub: name } });
    }
  });
});
