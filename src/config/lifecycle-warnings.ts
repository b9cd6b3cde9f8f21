import type { Config } from './config.ts';
import { SECOND } from './duration.ts';
import { refreshTokensOf } from './provider-presets.ts';

/** Chromium writes its cookies to disk about this often: what came back earlier may still be lost with a killed browser. */
const COOKIES_WRITTEN_EVERY = 30 * SECOND;

const OFFLINE = 'offline_access';

type Case = readonly [applies: boolean, words: string];

/** Settings that are allowed and may lose sessions, or keep them from ever being renewed. */
export function lifecycleWarnings(config: Config): readonly string[] {
  return [...replicaCases(config), ...handoverCases(config), ...providerCases(config)]
    .filter(([applies]) => applies)
    .map(([, words]) => words);
}

/** Nothing of this matters where a used refresh token stays good. */
function replicaCases({ replicas, redis, refresh, provider }: Config): readonly Case[] {
  const several = replicas > 1 && refreshTokensOf(provider.preset) !== 'static';
  const alone = several && redis === undefined;
  const strict = refresh.providerLeeway === 0;
  return [
    [
      alone && strict,
      'replicas: several processes without redis cannot agree on who renews a token; with one-time refresh tokens sessions get lost',
    ],
    [
      alone && !strict,
      'replicas: several processes without redis renew a token each for itself, which goes well only as long as the provider really takes it twice within refresh.providerLeeway',
    ],
    [
      several && redis !== undefined && strict && refresh.withoutCoordination === 'risk',
      'refresh.withoutCoordination: while Redis is away, processes may spend one refresh token twice; with one-time refresh tokens and no refresh.providerLeeway sessions get lost',
    ],
  ];
}

function handoverCases({ refresh: { confirmAfter, handover, wait } }: Config): readonly Case[] {
  return [
    [
      confirmAfter < COOKIES_WRITTEN_EVERY,
      'refresh.confirmAfter: browsers write cookies to disk about every 30s; one that is killed before comes back with a cookie that is then superseded',
    ],
    [
      handover < wait,
      'refresh.handover: a request that waits as long as refresh.wait for a renewal may come back too late for its successor',
    ],
  ];
}

function providerCases({ provider, logout }: Config): readonly Case[] {
  const { preset, scope, authorizeParams } = provider;
  const asksOffline = scope.includes(OFFLINE);
  const knowsNoOffline = preset === 'google' || preset === 'cognito';
  return [
    [
      preset === 'google' && authorizeParams['access_type'] !== 'offline',
      'provider.authorizeParams: without access_type=offline Google gives no refresh token; sessions then end with their access token',
    ],
    [knowsNoOffline && asksOffline, `provider.scope: ${preset ?? ''} refuses ${OFFLINE}, and so every login; leave it out`],
    [
      !asksOffline && !knowsNoOffline && preset !== 'keycloak',
      `provider.scope: without ${OFFLINE} most providers give no refresh token; sessions then end with their access token`,
    ],
    [
      preset === 'cognito' && logout.endSession && logout.endSessionUrl === undefined,
      'logout.endSessionUrl: Cognito needs https://<your domain>/logout?client_id={clientId}&logout_uri={postLogoutUri}; without it a logout ends on an error page there',
    ],
  ];
}
