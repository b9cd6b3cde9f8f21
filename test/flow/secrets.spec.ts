import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/kernel/clock.ts';
import { JsonLogger } from '../../src/ops/logger.ts';
import type { LogFields, Logger } from '../../src/kernel/logger.ts';
import { told } from '../support/answers.ts';
import { Canaries } from '../support/canaries.ts';
import { openHouse, type CallOptions, type House } from '../support/house.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import type { Trail } from '../support/user-agent.ts';

/** Everything goes to both: to be counted here, and to be read as an operator reads it. */
class BothLoggers implements Logger {
  readonly #loggers: readonly Logger[];

  constructor(...loggers: readonly Logger[]) {
    this.#loggers = loggers;
  }

  debug(event: string, fields?: LogFields): void {
    for (const logger of this.#loggers) logger.debug(event, fields);
  }

  info(event: string, fields?: LogFields): void {
    for (const logger of this.#loggers) logger.info(event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    for (const logger of this.#loggers) logger.warn(event, fields);
  }

  error(event: string, fields?: LogFields): void {
    for (const logger of this.#loggers) logger.error(event, fields);
  }
}

/** What OAuth has to send to the provider through the browser: parameters of URLs there, and nowhere else. */
const PROVIDER_PARAMETERS = ['state', 'nonce', 'code_challenge', 'id_token_hint'];

describe('secrets', () => {
  let house: House;
  let folder: string;
  let file: number;
  let json: JsonLogger;
  const log = new RecordingLogger();
  const canaries = new Canaries();
  /** Whatever the browser could read of our answers, one text for each. */
  const shown: string[] = [];

  /** Takes out of an answer what belongs to the provider hop. */
  function withoutProviderHop(text: string): string {
    const urls = new RegExp(`${house.provider.origin}[^\\s"'<>]*`, 'g');
    return text.replace(urls, (found) => {
      const url = new URL(found.replaceAll('&amp;', '&'));
      for (const name of PROVIDER_PARAMETERS) url.searchParams.delete(name);
      return url.href;
    });
  }

  function show(what: string, status: number, headers: Headers, body: string): void {
    const lines = [...headers].filter(([name]) => name !== 'set-cookie').map(([name, value]) => `${name}: ${value}`);
    for (const line of headers.getSetCookie()) {
      const pair = line.split(';', 1)[0] ?? '';
      canaries.add('cookie', pair.slice(pair.indexOf('=') + 1));
    }
    shown.push(withoutProviderHop([what, String(status), ...lines, body].join('\n')));
  }

  /** The session's newest cookie. */
  let newest = '';

  async function call(path: string, options: CallOptions = {}): Promise<Response> {
    const answer = await house.call(path, options);
    show(`${options.method ?? 'GET'} ${path.split('?')[0] ?? ''}`, answer.status, answer.headers, await answer.clone().text());
    const renewed = told(answer).set.filter((pair) => pair.startsWith('__Host-Http-cloakroom'));
    if (renewed.length > 0) newest = renewed.join('; ');
    return answer;
  }

  function follow({ hops }: Trail): void {
    for (const { url, status, headers, body } of hops) {
      const { origin, pathname, searchParams } = new URL(url);
      for (const name of ['code', 'state', 'nonce', 'code_challenge', 'id_token_hint']) canaries.add(name, searchParams.get(name));
      if (origin === house.origin) show(pathname, status, headers, body);
    }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cloakroom-log-'));
    file = openSync(join(folder, 'log'), 'w');
    json = new JsonLogger({ level: 'debug', clock: systemClock, fd: file });
    house = await openHouse({
      logger: new BothLoggers(log, json),
      config: { provider: { timeout: '300ms' }, log: { level: 'debug' }, session: { idle: '4h' } },
    });
    canaries.add('client secret', house.provider.clientSecret);
    canaries.add('cookie key', house.config.cookie.keys[0]?.secret.reveal());
    house.provider.control.fail('token', { kind: 'rewrite', change: remember });
  });

  afterAll(async () => {
    await house.close();
    await rm(folder, { recursive: true });
  });

  let lastRefreshToken = '';
  function remember(answer: Readonly<Record<string, unknown>>): Record<string, unknown> {
    for (const name of ['access_token', 'refresh_token', 'id_token']) canaries.add(name, answer[name]);
    if (typeof answer['refresh_token'] === 'string') lastRefreshToken = answer['refresh_token'];
    return { ...answer };
  }

  it('are searched for by a test that finds a planted one, in every spelling', () => {
    const planted = new Canaries();
    const secret = 'a+secret/with=odd~characters"and-more-than-48-of-them';
    planted.add('token', secret);
    for (const text of [
      JSON.stringify({ detail: `x${secret}x` }),
      `location: /x?t=${encodeURIComponent(secret)}`,
      `authorization: Basic ${Buffer.from(secret).toString('base64')}`,
      `begun ${secret.slice(10, 52)}…`,
    ]) {
      expect(planted.in(text)).toEqual(['token']);
    }
    expect(planted.in('an innocent line')).toEqual([]);
    expect(withoutProviderHop(`x ${house.provider.issuer}/a?state=s&code=c"`)).toBe(`x ${house.provider.issuer}/a?code=c"`);
  });

  it('pass through a login, refreshes, errors and logouts', async () => {
    const agent = house.newAgent();
    follow(await agent.login('alice', { returnTo: '/pages/page' }));
    newest = house.cookiesOf(agent);
    await call('/bff/session', { cookie: newest });
    await call('/api/x', { cookie: newest });
    house.expireAccessToken();
    await call('/api/x', { cookie: newest });
    await call('/bff/refresh', { cookie: newest, method: 'POST' });
    await call('/api/x', { cookie: `${newest.slice(0, -4)}AAAA` });
    await call('/api/die-before-head', { cookie: newest });
    await call('/api/..%2fx', { cookie: newest });
    await call('/api/x', { cookie: newest, headers: { 'sec-fetch-site': 'cross-site' } });
    await call('/api/x', { cookie: `${newest}; junk=${'x'.repeat(40_000)}` });

    // A provider whose errors quote what we sent, and library errors that carry what it answered.
    const quoting = { error: 'invalid_request', error_description: lastRefreshToken };
    for (const fault of [
      { kind: 'status', status: 500, body: lastRefreshToken },
      { kind: 'status', status: 400, headers: { 'content-type': 'application/json' }, body: JSON.stringify(quoting) },
      { kind: 'garbage', body: `<p>${lastRefreshToken}</p>` },
      { kind: 'reset' },
      { kind: 'hang' },
    ] as const) {
      house.provider.control.recover();
      house.provider.control.fail('token', fault);
      house.expireAccessToken();
      await call('/api/x', { cookie: newest });
      await call('/api/x', { cookie: newest, headers: { 'sec-fetch-mode': 'navigate', accept: 'text/html' } });
    }
    house.provider.control.recover();
    house.provider.control.fail('token', {
      kind: 'rewrite',
      change: (answer) => ({ ...remember(answer), expires_in: 'abc', id_token: 'eyJ.not.one' }),
    });
    house.clock.skip(60_000);
    await call('/api/x', { cookie: newest });

    // Logins that fail.
    house.provider.control.recover();
    house.provider.control.fail('token', { kind: 'rewrite', change: remember });
    const carol = house.newAgent();
    follow(await carol.login('carol'));
    const other = house.newAgent();
    const stopped = await other.login('erin', { until: (url) => url.pathname === '/bff/callback' });
    const callback = new URL(stopped.stoppedAt ?? '');
    for (const name of ['code', 'state']) canaries.add(name, callback.searchParams.get(name));
    const asked = new URL(callback);
    asked.searchParams.set('iss', 'https://evil.example');
    follow(await other.navigate(asked.href));
    follow(await other.navigate(callback.href));
    house.provider.control.recover();
    house.provider.control.fail('token', { kind: 'oauth-error', error: 'invalid_grant' }, 1);
    house.provider.control.fail('token', { kind: 'rewrite', change: remember });
    follow(await house.newAgent().login('erin'));

    // Every way out.
    const script = await call('/bff/logout', { cookie: newest, method: 'POST' });
    await call(((await script.json()) as { redirectTo: string }).redirectTo, { cookie: newest, headers: { 'sec-fetch-mode': 'navigate' } });
    for (const way of ['form', 'link'] as const) {
      const leaver = house.newAgent();
      follow(await leaver.login('alice'));
      const { logoutUrl } = (await (await leaver.fetch('/bff/session')).json()) as { logoutUrl: string };
      if (way === 'form') follow(await leaver.navigate('/bff/logout', { method: 'POST', form: { returnTo: '/' }, initiator: 'page' }));
      else follow(await leaver.navigate(logoutUrl, { initiator: 'page' }));
    }
    await call('/api/x', { cookie: newest });
    expect(shown.length).toBeGreaterThan(40);
  });

  it('of every kind were there to be found', () => {
    expect([...canaries.names].sort()).toEqual(
      [
        'access_token',
        'client secret',
        'code',
        'code_challenge',
        'cookie',
        'cookie key',
        'id_token',
        'id_token_hint',
        'nonce',
        'refresh_token',
        'state',
      ].sort(),
    );
  });

  it('are in no answer of ours but Set-Cookie and the provider hop', () => {
    const leaks = shown.flatMap((text) => canaries.in(text).map((name) => `${name} in ${text.slice(0, 2000)}`));
    expect(leaks).toEqual([]);
  });

  it('are in no log line, at any level', async () => {
    await json.close();
    const lines = (await readFile(join(folder, 'log'), 'utf8')).trimEnd().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(log.lines.length);
    expect(log.lines.length).toBeGreaterThan(10);
    expect(new Set(log.lines.map(({ level }) => level))).toEqual(new Set(['debug', 'info', 'warn', 'error']));
    const leaks = [...lines, ...log.lines.map((line) => JSON.stringify(line))].flatMap((line) =>
      canaries.in(line).map((name) => `${name} in ${line}`),
    );
    expect(leaks).toEqual([]);
  });
});
