import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openHouse, type House } from '../support/house.ts';
import type { UserAgent } from '../support/user-agent.ts';
import { jsonOf, verdictOf } from '../support/wire.ts';

const SESSION = '__Host-Http-cloakroom';
const POST = { method: 'POST' } as const;
const MINUTE = 60_000;

/** An API that answers when the test says so. */
class SlowApi {
  readonly #waiting: ServerResponse[] = [];
  #arrived: (() => void) | undefined;
  readonly #server: Server = createServer((request, response) => {
    request.resume();
    this.#waiting.push(response);
    this.#arrived?.();
  });

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async called(): Promise<void> {
    while (this.#waiting.length === 0) await new Promise<void>((resolve) => (this.#arrived = resolve));
  }

  answer(): void {
    for (const response of this.#waiting.splice(0)) response.writeHead(200).end('late');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

describe('a response that began before a logout and ends after it', () => {
  let slow: SlowApi;
  let house: House;
  let agent: UserAgent;

  beforeEach(async () => {
    slow = new SlowApi();
    const late = await slow.open();
    house = await openHouse({
      routes: (upstream) => [
        { path: '/api', upstream, stripPrefix: true },
        { path: '/slow', upstream: late },
      ],
    });
    agent = house.newAgent();
    await agent.login('alice');
    house.provider.stats.reset();
  });

  afterEach(async () => {
    slow.answer();
    await house.close();
    await slow.close();
  });

  it('brings no cookie back when it renewed the token', async () => {
    house.expireAccessToken();
    const pending = agent.fetch('/slow/report');
    await slow.called();
    expect(house.provider.stats.refreshes).toBe(1);
    await agent.fetch('/bff/logout', POST);
    slow.answer();
    const answer = await pending;
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, []]);
    expect(agent.jar.get(SESSION)).toBeUndefined();
    expect(house.provider.control.liveRefreshTokens('alice')).toBe(0);
  });

  it('brings no cookie back when it moved the idle limit', async () => {
    house.clock.skip(3.5 * MINUTE - 30_000);
    const pending = agent.fetch('/slow/report');
    await slow.called();
    await agent.fetch('/bff/logout', POST);
    slow.answer();
    expect((await pending).headers.getSetCookie()).toEqual([]);
    expect(agent.jar.get(SESSION)).toBeUndefined();
  });

  it('brings no cookie back after another login either: the browser keeps the newer session', async () => {
    house.expireAccessToken();
    const pending = agent.fetch('/slow/report');
    await slow.called();
    await agent.navigate('/bff/login?returnTo=/pages/page');
    const value = agent.jar.get(SESSION)?.value;
    slow.answer();
    expect((await pending).headers.getSetCookie()).toEqual([]);
    expect(agent.jar.get(SESSION)?.value).toBe(value);
    expect(await jsonOf(await agent.fetch('/bff/session'))).toMatchObject({ authenticated: true });
  });

  it('would bring its cookie without a logout, so that the tests above can fail', async () => {
    house.expireAccessToken();
    const pending = agent.fetch('/slow/report');
    await slow.called();
    slow.answer();
    expect((await pending).headers.getSetCookie()).toHaveLength(1);
  });
});

describe('a logout while a refresh is under way', () => {
  it('gives back the refresh token that the refresh brings, and nobody gets the session back', async () => {
    const house = await openHouse();
    try {
      const agent = house.newAgent();
      await agent.login('alice');
      house.provider.stats.reset();
      house.expireAccessToken();
      const gate = house.provider.control.hold('token', 'after');
      const call = agent.fetch('/api/orders');
      await gate.waitFor(1);
      const out = agent.openTab().fetch('/bff/logout', POST);
      const other = house.newAgent();
      while ((await jsonOf(await other.fetch('/bff/session', { headers: { cookie: cookieOf(agent) } })))['reason'] !== 'revoked');
      gate.open();
      const [answer, left] = await Promise.all([call, out]);
      expect(verdictOf(answer)).toEqual([401, 'session_revoked']);
      expect(left.status).toBe(200);
      expect(answer.headers.getSetCookie().filter((line) => !line.includes('Max-Age=0'))).toEqual([]);
      expect(agent.jar.get(SESSION)).toBeUndefined();
      expect(house.provider.control.liveRefreshTokens('alice')).toBe(0);
    } finally {
      await house.close();
    }
  });

  const cookies = new WeakMap<UserAgent, string>();
  /** As it was when first asked for. */
  function cookieOf(agent: UserAgent): string {
    const known = cookies.get(agent) ?? `${SESSION}=${agent.jar.get(SESSION)?.value ?? ''}`;
    cookies.set(agent, known);
    return known;
  }
});
