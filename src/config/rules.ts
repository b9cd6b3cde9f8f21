import { isBelow } from '../kernel/request-target.ts';
import type { Config } from './config.ts';
import type { ConfigProblem } from './constraints.ts';
import { lifecycleWarnings } from './lifecycle-warnings.ts';
import { touches } from './option-path.ts';
import { redisProblems } from './redis-rules.ts';

/** A rule over several sections. It is asked only when nothing that it `needs` has a problem of its own. */
interface Rule {
  readonly needs: readonly string[];
  readonly check: (config: Config) => readonly ConfigProblem[];
}

const when = (broken: boolean, path: string, message: string): readonly ConfigProblem[] => (broken ? [{ path, message }] : []);

const DEV_ORIGIN = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

const RULES: readonly Rule[] = [
  {
    needs: ['listen.port', 'management.port'],
    check: ({ listen, management }) =>
      when(listen.port !== 0 && listen.port === management.port, 'management.port', 'must differ from listen.port'),
  },
  {
    needs: ['provider.clientSecret', 'provider.clientSecretFile', 'provider.clientAuthMethod'],
    check: ({ provider }) =>
      when(
        provider.clientAuthMethod !== 'none' && provider.clientSecret === undefined,
        'provider.clientSecret',
        'is required (or clientSecretFile) unless clientAuthMethod is none',
      ),
  },
  { needs: ['provider.endpoints'], check: partialEndpoints },
  {
    needs: ['cookie.keys', 'cookie.activeKey'],
    check: ({ cookie }) =>
      when(
        cookie.keys.length > 1 && (cookie.activeKey as number | undefined) === undefined,
        'cookie.activeKey',
        'is required when there is more than one key',
      ),
  },
  {
    needs: ['publicUrl', 'cookie.devCookies'],
    check: ({ publicUrl, cookie }) =>
      when(
        cookie.devCookies && !DEV_ORIGIN.test(publicUrl.origin),
        'cookie.devCookies',
        'may be on only with a publicUrl of http://localhost, http://127.0.0.1 or http://[::1]',
      ),
  },
  { needs: ['redis'], check: redisProblems },
  { needs: ['routes', 'basePath'], check: overlappingRoutes },
  { needs: ['routes', 'cookie.name'], check: ownCookies },
  { needs: ['routes'], check: routeTls },
  { needs: ['routes', 'provider.clientAuthMethod'], check: publicClientTokens },
];

/** What the rules over several sections find, given the problems that are known already. */
export function brokenRules(config: Config, known: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return RULES.flatMap(({ needs, check }) => {
    const blocked = needs.some((path) => known.some((problem) => touches(problem.path, path)));
    return blocked ? [] : check(config);
  });
}

function partialEndpoints({ provider: { endpoints } }: Config): readonly ConfigProblem[] {
  const core = ['authorization', 'token', 'jwks'] as const;
  const missing = core.filter((name) => endpoints[name] === undefined);
  if (missing.length === core.length) return [];
  return missing.map((name) => ({
    path: `provider.endpoints.${name}`,
    message: `is required: ${core.join(', ')} are given together or not at all`,
  }));
}

function overlappingRoutes({ routes, basePath }: Config): readonly ConfigProblem[] {
  return routes.flatMap(({ path }, index) => [
    ...when(isBelow(path, basePath) || isBelow(basePath, path), `routes[${index}].path`, 'must not overlap basePath'),
    ...when(routes.findIndex((it) => it.path === path) < index, `routes[${index}].path`, 'is the path of an earlier route'),
  ]);
}

function ownCookies({ routes, cookie: { name } }: Config): readonly ConfigProblem[] {
  const isOurs = (it: string): boolean =>
    it
      .replace(/^__(?:Host-Http|Secure|Host)-/i, '')
      .toLowerCase()
      .startsWith(name);
  return routes.flatMap(({ cookies, setCookie }, index) => [
    ...when(cookies.some(isOurs), `routes[${index}].cookies`, 'must not name a cookie of ours'),
    ...when(setCookie.some(isOurs), `routes[${index}].setCookie`, 'must not name a cookie of ours'),
  ]);
}

function routeTls({ routes }: Config): readonly ConfigProblem[] {
  return routes.flatMap(({ upstream, tls }, index) => {
    if (tls === undefined) return [];
    const path = `routes[${index}].tls`;
    return [
      ...when(upstream.origin.startsWith('http:'), path, 'is for an https upstream'),
      ...when(tls.certFile === undefined && tls.keyFile !== undefined, `${path}.certFile`, 'is required together with keyFile'),
      ...when(tls.keyFile === undefined && tls.certFile !== undefined, `${path}.keyFile`, 'is required together with certFile'),
    ];
  });
}

/** RFC 6749 §4.4: the grant is for confidential clients only. */
function publicClientTokens({ routes, provider }: Config): readonly ConfigProblem[] {
  const isPublic = provider.clientAuthMethod === 'none';
  return routes.flatMap(({ token }, index) =>
    when(
      isPublic && token === 'client',
      `routes[${index}].token`,
      'may not be client while provider.clientAuthMethod is none: a client without a secret gets no token of its own',
    ),
  );
}

/** What is allowed but should be known to whoever starts this. */
export function warningsOf(config: Config): readonly string[] {
  const { publicUrl, provider, cookie, trustedProxies, routes, spa } = config;
  const cases: readonly (readonly [boolean, string])[] = [
    [publicUrl.origin.startsWith('http:'), 'publicUrl: http is for development on this machine only'],
    [provider.issuer.startsWith('http:'), 'provider.issuer: http is for development on this machine only'],
    [cookie.devCookies, 'cookie.devCookies: cookies have no Secure attribute and no prefix; for development only'],
    [
      provider.clientAuthMethod === 'none' && provider.clientSecret !== undefined,
      'provider.clientSecret: not used, as clientAuthMethod is none',
    ],
    [
      config.passwordLogin.enabled,
      'passwordLogin.enabled: USER NAMES AND PASSWORDS pass through this process; RFC 9700 section 2.4 and OAuth 2.1 forbid this grant. Switch it off as soon as no client needs it',
    ],
    [config.logout.backChannel, 'logout.backChannel: not available in this version; the endpoint answers 404'],
    [trustedProxies.some((range) => range.endsWith('/0')), 'trustedProxies: every client is trusted to name its own address'],
    [routes.length === 0 && spa === undefined, 'routes: neither a route nor a spa is configured, so there is nothing to serve'],
  ];
  return [
    ...cases.filter(([applies]) => applies).map(([, words]) => words),
    ...lifecycleWarnings(config),
    ...openClientRoutes(config),
    ...unverifiedUpstreams(config),
  ];
}

const openClientRoutes = ({ routes, access: { allow } }: Config): readonly string[] =>
  routes
    .filter(({ token, access }) => token === 'client' && access.allow.length + allow.length === 0)
    .map(({ path }) => `route ${path}: token: client without access: whoever reaches this app is served there, signed in or not`);

/** A loud one for each. */
const unverifiedUpstreams = ({ routes }: Config): readonly string[] =>
  routes
    .filter(({ tls }) => tls?.insecureSkipVerify === true)
    .map(
      ({ path }) =>
        `route ${path}: tls.insecureSkipVerify: ANY certificate is accepted, so anybody on the way can read and change what passes`,
    );
