/**
 * The directions of the house: a room may import the rooms named for it, itself, and nothing else of src.
 * Type imports count too: a room that knows another room's types is coupled to it.
 */
const ROOMS = {
  kernel: { may: [], comment: 'The kernel is below every room and knows none of them.' },
  config: {
    may: ['kernel'],
    comment: 'The configuration knows the kernel only: rooms state their own options, and the wiring page hands the sections over.',
  },
  cookie: { may: ['kernel'], comment: 'Cookies know the kernel only, so sealing and chunking can be read without knowing sessions.' },
  oidc: { may: ['kernel'], comment: 'The provider client knows the kernel only, and never a session or a cookie.' },
  redis: { may: ['kernel'], comment: 'The connection to Redis knows the kernel only, and never what the scripts it runs are for.' },
  csrf: { may: ['kernel'], comment: 'The CSRF policy knows the kernel only, so nothing can switch it off.' },
  access: { may: ['kernel'], comment: 'The access policy knows the kernel only.' },
  ops: {
    may: ['kernel'],
    comment: 'Operations know the kernel only: metrics, audit and health reach rooms through ports those rooms own.',
  },
  session: { may: ['kernel', 'cookie'], comment: 'Sessions stand on the kernel and the cookies.' },
  tokens: { may: ['kernel', 'session', 'oidc'], comment: 'Tokens stand on sessions and the provider client.' },
  proxy: {
    may: ['kernel', 'session', 'tokens', 'cookie', 'csrf', 'access'],
    comment: 'The proxy stands on sessions, tokens, cookies and the two policies, and never meets the provider or the login endpoints.',
  },
  server: {
    may: ['kernel', 'proxy'],
    comment: 'The http server knows how the proxy reads bodies and writes answers, and never a session or an endpoint.',
  },
  auth: {
    may: ['kernel', 'session', 'oidc', 'tokens', 'cookie', 'csrf', 'access'],
    comment: 'The login endpoints stand on sessions, the provider, tokens, cookies and the two policies, and never meet the proxy.',
  },
  spa: {
    may: ['kernel', 'csrf', 'proxy'],
    comment: 'The page server stands on the CSRF policy and the proxy only: it never sees a session.',
  },
};

/** Each library of src, and the files that may import it: its name, its errors and its types stay there. */
const LIBRARIES = {
  'iron-session': { from: '^src/cookie/cookie-codec\\.ts$', comment: 'Only the cookie codec knows iron-session.' },
  'openid-client': {
    from: '^src/oidc/provider-requests\\.ts$',
    comment: 'Only the file that makes the requests of OAuth knows openid-client.',
  },
  '@redis/client': { from: '^src/redis/redis-connection\\.ts$', comment: 'Only the connection to Redis knows @redis/client.' },
  jose: { from: '^src/oidc/signed-token\\.ts$', comment: 'Only the code that judges signed tokens knows jose.' },
  undici: {
    from: '^src/(kernel/http-client|proxy/undici-[a-z-]+)\\.ts$',
    comment: 'Only our own HTTP client and the undici files of the proxy know undici.',
  },
  pino: { from: '^src/ops/logger\\.ts$', comment: 'Only the logger knows pino.' },
  yaml: { from: '^src/config/yaml-text\\.ts$', comment: 'Only the reader of YAML text knows yaml.' },
  'class-validator': { from: '^src/config/', comment: 'Only the annotated configuration classes know class-validator.' },
  'reflect-metadata': {
    from: '^src/([^/]+|config/.+)\\.ts$',
    comment: 'Decorator metadata is switched on where the program starts and where the configuration reads it.',
  },
  '@fastify/static': { from: '^src/spa/', comment: 'Only the page server knows @fastify/static.' },
  fastify: {
    from: '^src/([^/]+\\.ts$|auth/|spa/)',
    comment: 'Fastify is known at the edge only: the wiring, the endpoints and the page server.',
  },
  '@nestjs/': {
    from: '^src/([^/]+\\.ts$|auth/|[^/]+/.+\\.(module|controller|guard|filter)\\.ts$)',
    comment: 'Nest is known at the edge only: the wiring, the endpoints, and modules, controllers, guards and filters.',
  },
};

const escape = (text) => text.replaceAll(/[.\\/-]/g, '\\$&');
const packagePath = (name) => `(^|/)node_modules/${escape(name)}${name.endsWith('/') ? '' : '/'}`;

const roomRules = Object.entries(ROOMS).map(([room, { may, comment }]) => ({
  name: `directions-${room}`,
  comment,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: `^src/(${[room, ...may].join('|')})/` },
}));

const libraryRules = Object.entries(LIBRARIES).map(([name, { from, comment }]) => ({
  name: `library-${name.replaceAll(/[@/]+/g, '-').replaceAll(/^-|-$/g, '')}`,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: from },
  to: { path: packagePath(name) },
}));

const houseRules = [
  {
    name: 'proxy-and-auth-never-meet',
    comment: 'The proxy and the login endpoints never meet, so a change in one cannot open the other.',
    severity: 'error',
    from: { path: '^src/(proxy|auth)/' },
    to: { path: '^src/(proxy|auth)/', pathNot: '^src/$1/' },
  },
  {
    name: 'every-room-has-a-direction',
    comment: 'Every folder of src is a room with a direction of its own.',
    severity: 'error',
    from: { path: '^src/.+/', pathNot: `^src/(${Object.keys(ROOMS).join('|')})/` },
    to: {},
  },
  {
    name: 'libraries-are-listed',
    comment: 'Every library that src imports has a line of its own in this file.',
    severity: 'error',
    from: { path: '^src/' },
    to: {
      path: '(^|/)node_modules/',
      pathNot: `(^|/)node_modules/(${Object.keys(LIBRARIES)
        .map((name) => `${escape(name)}${name.endsWith('/') ? '' : '/'}`)
        .join('|')})`,
    },
  },
  {
    name: 'libraries-are-installed',
    comment: 'What src imports exists, and is a dependency of production.',
    severity: 'error',
    from: { path: '^src/' },
    to: {
      dependencyTypes: ['npm-dev', 'npm-optional', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'],
    },
  },
  {
    name: 'src-stands-alone',
    comment: 'The product never imports the demo, the tests, the bench or the scripts.',
    severity: 'error',
    from: { path: '^src/' },
    to: { path: '^(demo|test|bench|scripts|dist)/' },
  },
  { name: 'no-cycles', comment: 'Nothing imports itself on a detour.', severity: 'error', from: {}, to: { circular: true } },
  {
    name: 'no-orphans',
    comment: 'Every file is imported by another one or imports one.',
    severity: 'error',
    from: { path: '^src/', orphan: true, pathNot: '\\.d\\.ts$' },
    to: {},
  },
  {
    name: 'no-barrels',
    comment: 'An import names the file that holds the thing, never an index of a folder.',
    severity: 'error',
    from: {},
    to: { path: '^src/.*(^|/)index\\.ts$' },
  },
];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [...houseRules, ...roomRules, ...libraryRules],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      mainFields: ['main', 'types'],
    },
  },
};
