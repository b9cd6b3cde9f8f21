import type { Clock } from '../../src/kernel/clock.ts';
import { Secret } from '../../src/kernel/secret.ts';
import type { Timer } from '../../src/kernel/timer.ts';
import type { CallbackRequest } from '../../src/oidc/identity-provider.ts';
import { OpenIdIdentityProvider, type OpenIdIdentityProviderOptions } from '../../src/oidc/openid-identity-provider.ts';
import type { ProviderOptions } from '../../src/oidc/provider-options.ts';
import type { HostileProvider } from './hostile-provider.ts';
import { RecordingLogger } from './recording-logger.ts';

export const REDIRECT_URI = 'http://localhost:3000/bff/callback';
export const CLIENT_SECRET = 'client-secret-canary';

/** The real time plus what a test adds, so that tokens signed "now" are good. */
export class MovableClock implements Clock {
  offset = 0;
  now(): number {
    return Date.now() + this.offset;
  }
}

/** Records what was put off instead of waiting for it; `run` does the oldest that is not called off. */
export class ManualTimer implements Timer {
  readonly pending: { run: () => void; delay: number }[] = [];

  after(delay: number, run: () => void): () => void {
    const entry = { run, delay };
    this.pending.push(entry);
    return () => {
      const at = this.pending.indexOf(entry);
      if (at >= 0) this.pending.splice(at, 1);
    };
  }

  run(): number {
    const next = this.pending.shift();
    if (next === undefined) throw new Error('nothing was put off');
    next.run();
    return next.delay;
  }
}

export interface Setup {
  readonly hostile: HostileProvider;
  readonly provider: OpenIdIdentityProvider;
  readonly clock: MovableClock;
  readonly logger: RecordingLogger;
  readonly later: ManualTimer;
}

export function providerOptions(
  hostile: { readonly issuer: string; readonly clientId: string },
  overrides: Partial<ProviderOptions> = {},
): ProviderOptions {
  return {
    issuer: hostile.issuer,
    clientId: hostile.clientId,
    clientSecret: new Secret(CLIENT_SECRET),
    clientAuthMethod: 'client_secret_basic',
    basicEncoding: 'form',
    scope: ['openid', 'profile', 'offline_access'],
    authorizeParams: {},
    tokenParams: {},
    responseMode: 'query',
    endpoints: {},
    userinfo: 'never',
    clockTolerance: 30_000,
    timeout: 5000,
    metadataRefresh: 3_600_000,
    maxResponse: 5 * 1024 * 1024,
    ...overrides,
  };
}

/** An identity provider of ours against the hostile one; nothing runs in the background unless the test says so. */
export function setUp(
  hostile: HostileProvider,
  overrides: Partial<Omit<OpenIdIdentityProviderOptions, 'provider'>> & { provider?: Partial<ProviderOptions> } = {},
): Setup {
  const clock = new MovableClock();
  const logger = new RecordingLogger();
  const later = new ManualTimer();
  const provider = new OpenIdIdentityProvider({
    redirectUri: REDIRECT_URI,
    refresh: { redirectUri: false, fallbackLifetime: 300_000 },
    logout: {},
    wantedClaims: ['sub', 'name', 'email'],
    clock,
    logger,
    timer: later,
    ...overrides,
    provider: providerOptions(hostile, overrides.provider),
  });
  return { hostile, provider, clock, logger, later };
}

export function callback(params: Record<string, string> | string = {}, overrides: Partial<CallbackRequest> = {}): CallbackRequest {
  const given = typeof params === 'string' ? params : { code: 'code-canary', state: 'state-1', ...params };
  return { params: new URLSearchParams(given), state: 'state-1', nonce: 'nonce-1', codeVerifier: 'v'.repeat(43), ...overrides };
}
