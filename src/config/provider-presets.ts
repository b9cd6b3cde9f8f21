import { isIssuer } from './provider-rules.ts';
import type { ProviderPreset } from './sections/provider-section.ts';

/** A value as the YAML file would give it. `{issuer}` in a text is the issuer without a slash at the end. */
type Setting = string | readonly string[] | Readonly<Record<string, string>>;
type Settings = Readonly<Partial<Record<'provider' | 'refresh' | 'logout', Readonly<Record<string, Setting>>>>>;

/**
 * What a refresh token is good for once it was used. `static`: it stays good. `rotating`: a new one takes its place. `unknown`:
 * whoever administers the client there decides.
 */
export type RefreshTokens = 'static' | 'rotating' | 'unknown';

export interface Preset {
  /** By section and key, in the words of the YAML file. */
  readonly settings: Settings;
  readonly refreshTokens: RefreshTokens;
  /** Why, in a sentence or two for docs/configuration.md. */
  readonly doc: string;
}

/** What is known of providers. Only what their own documentation says; where an administrator decides, what they find there. */
export const PROVIDER_PRESETS: Readonly<Record<ProviderPreset, Preset>> = {
  okta: {
    settings: { refresh: { providerLeeway: '30s' } },
    refreshTokens: 'unknown',
    doc: 'Web applications have refresh tokens that stay; with rotation the grace period is 30 seconds unless it was changed (0 to 60).',
  },
  entra: {
    settings: { refresh: { providerLeeway: '60s', fatalErrors: ['invalid_grant', 'interaction_required'] } },
    refreshTokens: 'static',
    doc: 'Every renewal brings another refresh token, and the ones before it stay good. `interaction_required` is for the user, never for a later try.',
  },
  auth0: {
    settings: {
      refresh: { providerLeeway: '0s' },
      logout: { endSessionUrl: '{issuer}/v2/logout?client_id={clientId}&returnTo={postLogoutUri}' },
    },
    refreshTokens: 'unknown',
    doc: 'Rotation has no leeway unless it was configured ("Overlap Period"). The template works for every tenant; older ones publish no end-session endpoint.',
  },
  keycloak: {
    settings: { refresh: { providerLeeway: '0s' } },
    refreshTokens: 'unknown',
    doc: 'With "Revoke Refresh Token" a used refresh token is never taken again. A refresh token comes without `offline_access` too.',
  },
  google: {
    settings: {
      provider: { scope: ['openid', 'profile', 'email'], authorizeParams: { access_type: 'offline', prompt: 'consent' } },
      refresh: { providerLeeway: '60s' },
    },
    refreshTokens: 'static',
    doc: 'The scope `offline_access` is refused; a refresh token comes for `access_type=offline`, and again only for `prompt=consent`. It never changes.',
  },
  cognito: {
    settings: { provider: { scope: ['openid', 'profile', 'email'] }, refresh: { providerLeeway: '60s' } },
    refreshTokens: 'unknown',
    doc: 'The scope `offline_access` is refused, a refresh token comes always. It stays, unless rotation is on: set its grace period to 60 seconds there. `logout.endSessionUrl` needs your domain.',
  },
};

/** For what has to know whether using a refresh token twice does harm. */
export function refreshTokensOf(preset: ProviderPreset | undefined): RefreshTokens {
  return preset === undefined ? 'unknown' : PROVIDER_PRESETS[preset].refreshTokens;
}

/** The configuration as it was given, with what its preset says where nothing is given. A preset that is none is left to be refused. */
export function withPreset(root: ReadonlyMap<unknown, unknown>): ReadonlyMap<unknown, unknown> {
  const provider = root.get('provider');
  if (!(provider instanceof Map)) return root;
  const name: unknown = provider.get('preset');
  if (!isPreset(name)) return root;
  const filled = new Map(root);
  for (const [section, settings] of Object.entries(PROVIDER_PRESETS[name].settings)) {
    const given = root.has(section) ? root.get(section) : new Map();
    if (given instanceof Map) filled.set(section, new Map([...rawSettings(settings, provider.get('issuer')), ...given]));
  }
  return filled;
}

const isPreset = (name: unknown): name is ProviderPreset => typeof name === 'string' && Object.hasOwn(PROVIDER_PRESETS, name);

function rawSettings(settings: Readonly<Record<string, Setting>>, issuer: unknown): readonly (readonly [unknown, unknown])[] {
  return Object.entries(settings).flatMap(([key, setting]): readonly (readonly [unknown, unknown])[] => {
    if (typeof setting !== 'string') return [[key, setting instanceof Array ? [...setting] : new Map(Object.entries(setting))]];
    if (!setting.includes('{issuer}')) return [[key, setting]];
    // An issuer that is none is complained of by itself.
    if (typeof issuer !== 'string' || !isIssuer(issuer)) return [];
    return [[key, setting.replace('{issuer}', () => issuer.replace(/\/$/, ''))]];
  });
}
