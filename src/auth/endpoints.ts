/** Where the front door re-roots the endpoints: publicUrl's path and the base path are replaced by this constant. */
export const ENDPOINT_ROOT = '/bff';

export type EndpointMethod = 'GET' | 'POST';
export type CsrfStance = 'policy' | 'exempt';

/** One endpoint below the base path. The guard and the documentation read the same value, so neither can drift. */
export interface EndpointRules {
  /** Below the base path, with a leading slash. */
  readonly path: string;
  /** The methods it knows, each with its CSRF stance. Everything else is 405. */
  readonly methods: Readonly<Partial<Record<EndpointMethod, CsrfStance>>>;
  /** A method that exists only with `provider.responseMode: form_post`. */
  readonly formPostOnly?: EndpointMethod;
  /** Exists only where the configuration switches it on; elsewhere it is 404. */
  readonly optional?: 'passwordLogin';
  /** HEAD is answered as GET without a body. Off where a GET changes something. */
  readonly head: boolean;
  /** Why an exempt method is safe; what the endpoint is for. Markdown, one line each. */
  readonly doc: { readonly summary: string; readonly guard: string; readonly answers: string };
}

const GUARDED_BY_POLICY = 'the CSRF policy';

export const ENDPOINTS = {
  login: {
    path: '/login',
    methods: { GET: 'exempt' },
    head: false,
    doc: {
      summary:
        'Begins a login. `returnTo` is a path of this site; the parameters of `login.params` are passed on; `iss` and `target_link_uri` serve logins started at the provider.',
      guard: 'only a top-level navigation begins a login',
      answers: '302 to the provider with a login-attempt cookie; 400 `navigation_required`; 503 page `provider_unavailable`',
    },
  },
  callback: {
    path: '/callback',
    methods: { GET: 'exempt', POST: 'exempt' },
    formPostOnly: 'POST',
    head: false,
    doc: {
      summary: 'The redirect URI registered at the provider. POST exists only with `provider.responseMode: form_post`.',
      guard: '`state` and the login-attempt cookie',
      answers:
        '200 page that sets the session cookie and goes on to `continue`; 400 page `login_failed`; 403 page `forbidden`; 500 page `cookie_budget`; 503 page `provider_unavailable`',
    },
  },
  continue: {
    path: '/continue',
    methods: { GET: 'exempt' },
    head: false,
    doc: {
      summary: 'Proves that the session cookie arrived, then goes on to `returnTo`. Never begins a login.',
      guard: 'changes nothing',
      answers:
        '303 to `returnTo`, or a page with a link to it where it lies below a route without `navigation: allow`; 400 page `cookie_not_stored` right after a login; 200 page with a sign-in button otherwise',
    },
  },
  session: {
    path: '/session',
    methods: { GET: 'policy' },
    head: true,
    doc: {
      summary: 'Who is logged in, and for how long. Never extends the session and never asks the provider.',
      guard: GUARDED_BY_POLICY,
      answers: '200 JSON, logged in or not; 503 `store_unavailable`',
    },
  },
  refresh: {
    path: '/refresh',
    methods: { POST: 'policy' },
    head: false,
    doc: {
      summary: 'Renews the access token now.',
      guard: GUARDED_BY_POLICY,
      answers: '200 JSON as `session`; 401 as on routes; 409 `refresh_unavailable`; 503',
    },
  },
  passwordLogin: {
    path: '/password-login',
    methods: { POST: 'policy' },
    optional: 'passwordLogin',
    head: false,
    doc: {
      summary:
        'Legacy, and off by default (`passwordLogin.enabled`): a login by user name and password, which RFC 9700 §2.4 and OAuth 2.1 forbid. Body: JSON or a form with `username` and `password`. See [Password login](tokens.md#password-login-legacy).',
      guard: `${GUARDED_BY_POLICY}; a limit of attempts per client address and per user name`,
      answers:
        '200 JSON as `session`, with the session cookie; 400 `login_failed`; 403 `forbidden`; 404 while it is off; 429 `rate_limited`; 500 `cookie_budget`; 503 `provider_unavailable`',
    },
  },
  logout: {
    path: '/logout',
    methods: { GET: 'exempt', POST: 'policy' },
    head: false,
    doc: {
      summary: 'Ends the session here and at the provider. POST from a script or a form, or GET with the `id` of `logoutUrl`.',
      guard: `POST: ${GUARDED_BY_POLICY} · GET: \`id\` is the proof`,
      answers: 'script: 200 `{"redirectTo"}`; form: 200 page that goes on; GET: 303, or 403 page with a button and nothing ended',
    },
  },
  logoutProvider: {
    path: '/logout/provider',
    methods: { GET: 'exempt' },
    head: false,
    doc: {
      summary: "Where `redirectTo` leads: on to the provider's end-session endpoint.",
      guard: '`id` and the hint cookie of the logout',
      answers: '303 to the provider; 403 page with a button',
    },
  },
  loggedOut: {
    path: '/logged-out',
    methods: { GET: 'exempt' },
    head: true,
    doc: {
      summary: 'The post-logout redirect URI registered at the provider.',
      guard: 'changes nothing',
      answers: "303 to the logout's `returnTo` (a page with a link where `continue` gives one), else to the start page",
    },
  },
} as const satisfies Record<string, EndpointRules>;

const RULES: readonly EndpointRules[] = Object.values(ENDPOINTS);

export interface EndpointModes {
  readonly responseMode: 'query' | 'form_post';
}

/** The endpoint at a re-rooted path (no query), if there is one. */
export function endpointAt(path: string): EndpointRules | undefined {
  return RULES.find((rules) => ENDPOINT_ROOT + rules.path === path);
}

/** The stance of a method; `undefined` = the endpoint does not know it. */
export function stanceOf(rules: EndpointRules, method: string, modes: EndpointModes): CsrfStance | undefined {
  if (method === 'HEAD') return rules.head ? rules.methods.GET : undefined;
  if (method !== 'GET' && method !== 'POST') return undefined;
  if (rules.formPostOnly === method && modes.responseMode !== 'form_post') return undefined;
  return rules.methods[method];
}

/** What a 405 names in Allow. */
export function allowedMethods(rules: EndpointRules, modes: EndpointModes): readonly string[] {
  return ['GET', 'HEAD', 'POST'].filter((method) => stanceOf(rules, method, modes) !== undefined);
}
