import { describe, expect, it } from '@jest/globals';
import { dumpConfig } from '../../../src/config/dump-config.ts';
import { PROVIDER_PRESETS, refreshTokensOf } from '../../../src/config/provider-presets.ts';
import { config, pathsOf, problems, warnings, yamlOf } from './sample.ts';

const preset = (name: string, rest = ''): Record<string, string> => ({
  provider: `{ issuer: "https://id.example.com/x/", clientId: app, clientSecret: s, preset: ${name}${rest === '' ? '' : `, ${rest}`} }`,
});

const PLAIN = '{ issuer: "https://id.example.com/x/", clientId: app, clientSecret: s }';

describe('a preset of a provider', () => {
  it.each([
    ['okta', 30_000],
    ['entra', 60_000],
    ['auth0', 0],
    ['keycloak', 0],
    ['google', 60_000],
    ['cognito', 60_000],
  ])('knows for how long %s takes a refresh token twice: %i ms', (name, leeway) => {
    expect(config({ yaml: yamlOf(preset(name)) }).refresh.providerLeeway).toBe(leeway);
  });

  it('asks Google for a refresh token in the way Google knows', () => {
    const { scope, authorizeParams } = config({ yaml: yamlOf(preset('google')) }).provider;
    expect(scope).toEqual(['openid', 'profile', 'email']);
    expect(authorizeParams).toEqual({ access_type: 'offline', prompt: 'consent' });
  });

  it('asks Cognito for no scope that it refuses', () => {
    expect(config({ yaml: yamlOf(preset('cognito')) }).provider.scope).toEqual(['openid', 'profile', 'email']);
  });

  it('makes the end-session template of Auth0 from the issuer', () => {
    expect(config({ yaml: yamlOf(preset('auth0')) }).logout.endSessionUrl).toBe(
      'https://id.example.com/x/v2/logout?client_id={clientId}&returnTo={postLogoutUri}',
    );
  });

  it('knows the error of Entra that only the user can answer', () => {
    expect(config({ yaml: yamlOf(preset('entra')) }).refresh.fatalErrors).toEqual(['invalid_grant', 'interaction_required']);
  });

  it.each(Object.keys(PROVIDER_PRESETS))('%s alone is a whole configuration', (name) => {
    expect(problems({ yaml: yamlOf(preset(name)) })).toEqual([]);
  });

  it('changes nothing else', () => {
    const without = dumpConfig(config({ yaml: yamlOf({ provider: PLAIN }) })).split('\n');
    const lines = dumpConfig(config({ yaml: yamlOf(preset('okta')) })).split('\n');
    expect(lines.filter((line) => !without.includes(line))).toEqual(['  preset: okta', '  providerLeeway: 30s']);
  });

  it('is seen with its values in the masked dump', () => {
    const dump = dumpConfig(config({ yaml: yamlOf(preset('google')) }));
    for (const line of ['preset: google', 'access_type: offline', 'prompt: consent', 'providerLeeway: 1m']) expect(dump).toContain(line);
    expect(dump).not.toContain('offline_access');
  });

  it('that is none is refused, and sets nothing', () => {
    expect(pathsOf({ yaml: yamlOf(preset('okto')) })).toEqual(['provider.preset']);
    expect(pathsOf({ yaml: yamlOf(preset('constructor')) })).toEqual(['provider.preset']);
    expect(pathsOf({ yaml: yamlOf(preset('[okta]')) })).toEqual(['provider.preset']);
  });

  it('says nothing about an issuer that is complained of already', () => {
    const yaml = yamlOf({ provider: '{ issuer: "http://id.example.com", clientId: app, clientSecret: s, preset: auth0 }' });
    expect(pathsOf({ yaml })).toEqual(['provider.issuer']);
  });
});

describe('what is given wins over a preset', () => {
  it('in the file', () => {
    const yaml = yamlOf({
      ...preset('google', 'scope: [openid], authorizeParams: { hd: example.com }'),
      refresh: '{ providerLeeway: 5s }',
    });
    const { provider, refresh } = config({ yaml });
    expect(provider.scope).toEqual(['openid']);
    expect(provider.authorizeParams).toEqual({ hd: 'example.com' });
    expect(refresh.providerLeeway).toBe(5000);
  });

  it('although it is the default', () => {
    expect(config({ yaml: yamlOf({ ...preset('okta'), refresh: '{ providerLeeway: 0s }' }) }).refresh.providerLeeway).toBe(0);
  });

  it('in the environment, where the preset may come from as well', () => {
    const env = { CLOAKROOM_PROVIDER_PRESET: 'google', CLOAKROOM_PROVIDER_SCOPE: 'openid', CLOAKROOM_REFRESH_PROVIDER_LEEWAY: '1s' };
    const { provider, refresh } = config({ yaml: yamlOf(), env });
    expect([provider.preset, provider.scope, refresh.providerLeeway]).toEqual(['google', ['openid'], 1000]);
    expect(provider.authorizeParams).toEqual({ access_type: 'offline', prompt: 'consent' });
  });

  it('beside the other keys of its section, which the preset still fills', () => {
    const yaml = yamlOf({ ...preset('entra'), refresh: '{ early: 30s }' });
    expect(config({ yaml }).refresh).toMatchObject({ early: 30_000, providerLeeway: 60_000 });
  });

  it('also when it is wrong: the complaint is about what was given', () => {
    expect(problems({ yaml: yamlOf({ ...preset('okta'), refresh: '[]' }) })).toEqual(['refresh: must be a map of keys']);
  });
});

describe('the refresh tokens of a provider', () => {
  it('stay good, or are what an administrator made of them', () => {
    expect((['google', 'entra'] as const).map(refreshTokensOf)).toEqual(['static', 'static']);
    expect(([undefined, 'okta', 'auth0', 'keycloak', 'cognito'] as const).map(refreshTokensOf)).toEqual(Array(5).fill('unknown'));
  });
});

describe('warnings about losing sessions', () => {
  const first = (sections: Record<string, string>): readonly string[] =>
    warnings({ yaml: yamlOf(sections) }).map((it) => it.slice(0, it.indexOf(':')));
  const REPLICAS = { replicas: '2' };

  it('speak of replicas without Redis, unless used refresh tokens stay good', () => {
    expect(warnings({ yaml: yamlOf(REPLICAS) })).toEqual([expect.stringMatching(/^replicas: .*sessions get lost$/)]);
    expect(warnings({ yaml: yamlOf({ ...REPLICAS, ...preset('keycloak') }) })).toEqual([expect.stringMatching(/sessions get lost$/)]);
    expect(warnings({ yaml: yamlOf({ ...REPLICAS, ...preset('okta') }) })).toEqual([
      expect.stringMatching(/^replicas: .*takes it twice within refresh.providerLeeway$/),
    ]);
    expect(first({ ...REPLICAS, ...preset('google') })).toEqual([]);
    expect(first({ replicas: '1', refresh: '{ providerLeeway: 0s }' })).toEqual([]);
  });

  it('speak of going on without Redis where that spends refresh tokens twice', () => {
    const risk = (rest: string, more: Record<string, string> = {}): readonly string[] =>
      first({ ...REPLICAS, redis: '{ url: rediss://redis }', refresh: `{ withoutCoordination: risk${rest} }`, ...more });
    expect(risk('')).toEqual(['refresh.withoutCoordination']);
    expect(risk(', providerLeeway: 5s')).toEqual([]);
    expect(risk('', preset('google'))).toEqual([]);
    expect(risk('', { replicas: '1' })).toEqual([]);
    expect(first({ ...REPLICAS, redis: '{ url: rediss://redis }' })).toEqual([]);
  });

  it('speak of handovers that are too short', () => {
    expect(first({ refresh: '{ confirmAfter: 29s }' })).toEqual(['refresh.confirmAfter']);
    expect(first({ refresh: '{ handover: 9s }' })).toEqual(['refresh.handover']);
    expect(first({ refresh: '{ confirmAfter: 30s, handover: 10s }' })).toEqual([]);
  });

  it('speak of Google without access_type=offline', () => {
    expect(first(preset('google'))).toEqual([]);
    expect(first(preset('google', 'authorizeParams: { prompt: consent }'))).toEqual(['provider.authorizeParams']);
  });

  it('speak of offline_access where it is missing, and where it is refused', () => {
    const scoped = (name: string, scope: string): readonly string[] =>
      first({ ...preset(name, `scope: [${scope}]`), logout: '{ endSession: false }' });
    expect(scoped('okta', 'openid')).toEqual(['provider.scope']);
    expect(scoped('okta', 'openid, offline_access')).toEqual([]);
    expect(scoped('google', 'openid, offline_access')).toEqual(['provider.scope']);
    expect(scoped('cognito', 'openid, offline_access')).toEqual(['provider.scope']);
    expect(scoped('cognito', 'openid')).toEqual([]);
    expect(scoped('keycloak', 'openid')).toEqual([]);
  });

  it('ask for the sign-out page of Cognito, which only its administrator knows', () => {
    expect(first(preset('cognito'))).toEqual(['logout.endSessionUrl']);
    expect(first({ ...preset('cognito'), logout: '{ endSession: false }' })).toEqual([]);
    const endSessionUrl = '"https://a.auth.eu-west-1.amazoncognito.com/logout?client_id={clientId}&logout_uri={postLogoutUri}"';
    expect(first({ ...preset('cognito'), logout: `{ endSessionUrl: ${endSessionUrl} }` })).toEqual([]);
  });
});
