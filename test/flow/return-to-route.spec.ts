import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import type { Trail, UserAgent } from '../support/user-agent.ts';

const EVIL = new URL('https://evil.example/');
const TARGET = '/api/transfer?to=evil';
const LOGIN = `/bff/login?returnTo=${encodeURIComponent(TARGET)}`;

let house: House;
let agent: UserAgent;

beforeAll(async () => {
  house = await openHouse();
});

beforeEach(async () => {
  agent = house.newAgent();
  await agent.login('alice');
  house.api.reset();
});

afterAll(() => house.close());

function expectButton({ page }: Trail, path: string, href: string): void {
  expect([new URL(page.url).pathname, page.status, page.headers.get('refresh')]).toEqual([path, 200, null]);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(page.body).toContain(`<a class="go" href="${href}">Continue</a>`);
  expect(house.api.requests).toEqual([]);
}

describe('another site that leads a signed-in user to a login with returnTo below a route', () => {
  it('makes no request of the API: the last step waits for a click', async () => {
    const trail = await agent.navigate(LOGIN, { initiator: EVIL });
    expectButton(trail, '/bff/continue', TARGET);
    const { page } = await agent.navigate(TARGET, { initiator: 'page' });
    expect(page.status).toBe(200);
    expect(house.api.requests).toHaveLength(1);
  });

  it.each(['prompt=none&max_age=0', 'prompt=none'])('makes none by a silent login either (%s)', async (silent) => {
    const { page } = await agent.navigate(`${LOGIN}&${silent}`, { initiator: EVIL });
    expect([page.status, page.headers.get('refresh')]).toEqual([200, null]);
    expect(house.api.requests).toEqual([]);
  });

  it('goes on by itself to a route whose navigation is allowed', async () => {
    const { page } = await agent.navigate('/bff/login?returnTo=/pages/page', { initiator: EVIL });
    expect([page.url, page.status]).toEqual([`${house.origin}/pages/page`, 200]);
  });
});
