import type { Secret } from '../../kernel/secret.ts';
import { freeMap, listOf, secretMap } from '../collection-types.ts';
import { Each, Lasting, NoRepeats, Satisfies, Section, Sized } from '../constraints.ts';
import { HOUR, SECOND } from '../duration.ts';
import { Option } from '../option.ts';
import { RESERVED_PARAMS_RULE, isIssuer, isProviderUrl, isReservedParam, isScope, isWord } from '../provider-rules.ts';
import { duration, file, oneOf, secret, size, text } from '../scalar-types.ts';
import { MIB } from '../size.ts';

const URL_RULE = 'must be an https URL (http on a loopback address only), without user info or fragment';
const ISSUER_RULE = 'must be an https URL (http on a loopback address only), without user info, query or fragment';
const Endpoint = () => Satisfies(isProviderUrl, URL_RULE);

/** Endpoints named by hand instead of discovered. */
export class EndpointsSection {
  @Endpoint()
  @Option({ type: text('URL'), doc: 'Authorization endpoint.' })
  readonly authorization?: string;

  @Endpoint()
  @Option({ type: text('URL'), doc: 'Token endpoint.' })
  readonly token?: string;

  @Endpoint()
  @Option({ type: text('URL'), doc: 'Key set that signs ID tokens (`jwks_uri`).' })
  readonly jwks?: string;

  @Endpoint()
  @Option({ type: text('URL'), doc: 'Userinfo endpoint.' })
  readonly userinfo?: string;

  @Endpoint()
  @Option({ type: text('URL'), doc: 'Revocation endpoint (RFC 7009).' })
  readonly revocation?: string;

  @Endpoint()
  @Option({ type: text('URL'), doc: 'End-session endpoint (OpenID Connect RP-Initiated Logout).' })
  readonly endSession?: string;
}

export type ClientAuthMethod = 'client_secret_basic' | 'client_secret_post' | 'none';
export type ProviderPreset = 'okta' | 'entra' | 'auth0' | 'keycloak' | 'google' | 'cognito';

/** The OpenID provider and our registration there. Milliseconds and bytes. */
export class ProviderSection {
  @Satisfies(isIssuer, ISSUER_RULE)
  @Option({
    type: text('URL'),
    required: true,
    doc: 'Issuer identifier, compared exactly as the provider publishes it (a slash at the end counts).',
  })
  readonly issuer!: string;

  @Option({
    type: oneOf('okta', 'entra', 'auth0', 'keycloak', 'google', 'cognito'),
    doc: 'Defaults that suit a known provider (docs: "Presets"). Every key that is given wins over them.',
  })
  readonly preset?: ProviderPreset;

  @Option({ type: text(), required: true, doc: 'Our client identifier at the provider.' })
  readonly clientId!: string;

  @Option({ type: secret(), doc: 'Our client secret; required unless `clientAuthMethod` is `none`.' })
  readonly clientSecret?: Secret;

  @Option({ type: oneOf('client_secret_basic', 'client_secret_post', 'none'), doc: 'How we authenticate at the token endpoint.' })
  readonly clientAuthMethod: ClientAuthMethod = 'client_secret_basic';

  @Option({
    type: oneOf('form', 'raw'),
    doc: 'How HTTP Basic encodes id and secret: `form` as RFC 6749 §2.3.1 says, `raw` for providers that do not decode `-_.~`.',
  })
  readonly basicEncoding: 'form' | 'raw' = 'form';

  @Each(isWord, 'must be a list of words without spaces')
  @NoRepeats()
  @Satisfies((scope: readonly string[]) => scope.includes('openid'), 'must contain openid')
  @Option({ type: listOf(text('words')), doc: 'Scopes asked for at login. `offline_access` is what usually brings a refresh token.' })
  readonly scope: readonly string[] = ['openid', 'profile', 'offline_access'];

  @Satisfies((params: object) => !Object.keys(params).some(isReservedParam), RESERVED_PARAMS_RULE)
  @Satisfies((params: object) => !Object.keys(params).some(isScope), 'may not set scope: it belongs in provider.scope')
  @Option({ type: freeMap(), doc: 'Extra parameters of the authorization request, such as `prompt: consent`.' })
  readonly authorizeParams: Readonly<Record<string, string>> = {};

  @Satisfies((params: object) => !Object.keys(params).some(isReservedParam), RESERVED_PARAMS_RULE)
  @Option({ type: secretMap(), doc: 'Extra parameters of the code exchange. They may hold secrets: `check` shows their names only.' })
  readonly tokenParams: Readonly<Record<string, string>> = {};

  @Option({ type: oneOf('query', 'form_post'), doc: 'How the provider sends the browser back.' })
  readonly responseMode: 'query' | 'form_post' = 'query';

  @Section({ section: EndpointsSection, doc: 'Endpoints named by hand; `authorization`, `token` and `jwks` together replace discovery.' })
  readonly endpoints: EndpointsSection = new EndpointsSection();

  @Option({
    type: oneOf('auto', 'always', 'never'),
    doc: 'When the userinfo endpoint is asked at login; `auto` = when a wanted claim is missing.',
  })
  readonly userinfo: 'auto' | 'always' | 'never' = 'auto';

  @Lasting('0s', '10m')
  @Option({ type: duration(), doc: "Difference between the provider's clock and ours that is forgiven." })
  readonly clockTolerance: number = 30 * SECOND;

  @Lasting('100ms', '2m')
  @Option({ type: duration(), doc: 'Time limit of each of our calls to the provider.' })
  readonly timeout: number = 5 * SECOND;

  @Lasting('1m', '7d')
  @Option({ type: duration(), doc: "How often the provider's metadata is read again." })
  readonly metadataRefresh: number = HOUR;

  @Sized('16KiB', '1GiB')
  @Option({ type: size(), doc: 'The largest answer of the provider that is read.' })
  readonly maxResponse: number = 5 * MIB;

  @Option({
    type: file(),
    doc: 'Certificate authorities, PEM, trusted in addition for calls to the provider. Read again when the file has changed.',
  })
  readonly caFile?: string;

  @Option({
    type: text('URL'),
    doc: 'HTTP proxy for our calls to the provider, which go through it in tunnels (CONNECT). Nothing goes around it.',
  })
  @Satisfies((url: string) => URL.canParse(url) && /^https?:\/\/[^/?#@\s]+\/?$/.test(url), 'must be an http or https origin')
  readonly proxy?: string;
}
