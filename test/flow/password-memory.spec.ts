import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { passwordOf } from '../../demo/provider/password-grant.ts';
import { startDevProvider, type DevProvider } from '../../demo/provider/dev-provider.ts';
import { freePort } from '../support/free-port.ts';
import { ServeProcess } from '../support/serve-process.ts';

const KEY = 'dGVzdC1rZXktd2l0aC1tYW55LWJ5dGVzLTAxMjM0NTY3ODkrYWJjZGVmZ2hpams';
const USER = 'canary-user@example.com';
const WRONG = 'a-wrong-password-canary';

describe('the memory of a process that has served password logins', () => {
  let provider: DevProvider;
  let proxy: ServeProcess;
  let port: number;

  beforeEach(async () => {
    port = await freePort();
    const origin = `http://localhost:${String(port)}`;
    const grantTypes = ['authorization_code', 'refresh_token', 'password'];
    provider = await startDevProvider({ redirectUris: [`${origin}/bff/callback`], grantTypes });
    const { issuer, clientId, clientSecret } = provider;
    const config = {
      publicUrl: origin,
      listen: { host: '127.0.0.1', port },
      management: { host: '127.0.0.1', port: await freePort() },
      provider: { issuer, clientId, clientSecret, timeout: '500ms' },
      passwordLogin: { enabled: true },
      cookie: { keys: [{ id: 1, secret: KEY }] },
      routes: [{ path: '/api', upstream: 'http://127.0.0.1:9' }],
    };
    proxy = await ServeProcess.start(config, ['--heapsnapshot-signal=SIGUSR2']);
    await proxy.line('listening');
  });

  afterEach(async () => {
    await proxy.discard();
    await provider.close();
  });

  const login = async (username: string, password: string): Promise<number> => {
    const answer = await fetch(`http://localhost:${String(port)}/bff/password-login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-csrf': '1' },
      body: JSON.stringify({ username, password }),
    });
    await answer.text();
    return answer.status;
  };

  it('holds neither the passwords nor who tried them, and warns of the endpoint at start', async () => {
    const right = passwordOf({ id: 'alice' });
    expect(await login('alice', right)).toBe(200);
    expect(await login(USER, WRONG)).toBe(400);
    provider.control.fail('token', { kind: 'hang' }, 1);
    expect(await login(USER, WRONG)).toBe(503);
    provider.control.fail('token', { kind: 'reset' }, 1);
    expect(await login(USER, WRONG)).toBe(503);
    const snapshot = await proxy.heapSnapshot();
    expect(snapshot.includes(provider.issuer)).toBe(true); // so they would be found
    const canaries = [right, encodeURIComponent(right), right.replaceAll(' ', '+'), WRONG, USER];
    expect(canaries.filter((canary) => snapshot.includes(canary))).toEqual([]);
    const warnings = proxy.lines.filter(({ event }) => event === 'configuration_warning').map(({ warning }) => warning);
    expect(warnings).toContainEqual(expect.stringMatching(/^passwordLogin\.enabled: USER NAMES AND PASSWORDS pass through this process/));
  });
});
