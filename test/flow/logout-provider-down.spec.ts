import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import { clearings } from '../support/set-cookie.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

const SESSION = '__Host-Http-cloakroom';
const POST = { method: 'POST' } as const;

let house: House;
let agent: UserAgent;
let copy: string;

const enter = async (config: Readonly<Record<string, unknown>> = {}): Promise<void> => {
  house = await openHouse({ config });
  agent = house.newAgent();
  await agent.login('alice');
  copy = `${SESSION}=${agent.jar.get(SESSION)?.value ?? ''}`;
  house.provider.stats.reset();
};

const replay = (): Promise<Response> => house.newAgent().fetch('/api/orders', { headers: { cookie: copy } });

afterEach(() => house.close());

describe('a logout while the provider', () => {
  beforeEach(() => enter());

  it('is down works: 200, cookies cleared, and the copied cookie is revoked', async () => {
    await house.provider.control.down();
    const answer = await agent.fetch('/bff/logout', POST);
    expect(answer.status).toBe(200);
    expect(clearings(answer.headers.getSetCookie())).toContain(SESSION);
    expect(agent.jar.get(SESSION)).toBeUndefined();
    expect(verdictOf(await replay())).toEqual([401, 'session_revoked']);
    expect(house.log.of('token_revocation_failed')).toHaveLength(1);
    await house.provider.control.up();
  });

  it.each([
    ['hangs up', { kind: 'reset' } as const],
    ['answers 500', { kind: 'status', status: 500 } as const],
    ['answers 503', { kind: 'oauth-error', error: 'temporarily_unavailable', status: 503 } as const],
    ['refuses the revocation', { kind: 'oauth-error', error: 'unsupported_token_type' } as const],
  ])('%s works all the same', async (_what, fault) => {
    house.provider.control.fail('revocation', fault);
    const answer = await agent.fetch('/bff/logout', POST);
    expect([answer.status, Object.keys(await jsonOf(answer))]).toEqual([200, ['redirectTo']]);
    expect(verdictOf(await replay())).toEqual([401, 'session_revoked']);
  });
});

describe('a logout whose revocation hangs', () => {
  it('waits no longer than provider.timeout', async () => {
    await enter({ provider: { timeout: '200ms' } });
    house.provider.control.fail('revocation', { kind: 'hang' });
    const answer = await agent.fetch('/bff/logout', POST);
    expect(answer.status).toBe(200);
    expect(verdictOf(await replay())).toEqual([401, 'session_revoked']);
  });
});

describe('logout.endSession: false', () => {
  it('leads a script and a form straight to returnTo, without the provider', async () => {
    await enter({ logout: { endSession: false } });
    const answer = await agent.fetch('/bff/logout', {
      ...POST,
      headers: { 'content-type': 'application/json' },
      body: '{"returnTo":"/bye"}',
    });
    expect(await jsonOf(answer)).toEqual({ redirectTo: '/bye' });
    expect(clearings(answer.headers.getSetCookie()).sort()).toEqual([SESSION, '__Secure-cloakroom-hint'].sort());

    await agent.navigate('/bff/login');
    const form = await agent.navigate('/bff/logout', { initiator: 'page', form: { returnTo: '/pages/page' } });
    expect(form.urls).toEqual([`${house.origin}/bff/logout`, `${house.origin}/pages/page`]);
    expect(house.provider.stats.endSessions).toEqual([]);
  });
});

describe('logout.revoke: after', () => {
  it('gives the token back when the browser comes back from the provider', async () => {
    await enter({ logout: { revoke: 'after' } });
    const { redirectTo } = await jsonOf(await agent.fetch('/bff/logout', POST));
    expect(house.provider.stats.revocations).toEqual([]);
    await agent.navigate('/');
    await agent.navigate(String(redirectTo), { initiator: 'page' });
    await house.reopen({}); // nobody waits for it but the shutdown
    expect([house.provider.stats.endSessions.length, house.provider.stats.revocations.length]).toEqual([1, 1]);
  });
});

describe('logout.revoke: off', () => {
  it('gives nothing back', async () => {
    await enter({ logout: { revoke: 'off' } });
    await agent.fetch('/bff/logout', POST);
    await house.reopen({});
    expect(house.provider.stats.revocations).toEqual([]);
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(1);
  });
});
