import { isIP } from 'node:net';
import { freeMap, listOf, orOff } from '../collection-types.ts';
import type { BaseUrl } from '../base-url.ts';
import { isPlainPath } from '../base-url.ts';
import { Between, Each, Lasting, NoRepeats, Satisfies, Section, Sized } from '../constraints.ts';
import { HOUR, MINUTE, SECOND } from '../duration.ts';
import { Option } from '../option.ts';
import { baseUrl, duration, file, flag, integer, oneOf, size, text } from '../scalar-types.ts';
import { KIB } from '../size.ts';
import { isResource, isWord } from '../provider-rules.ts';
import { AccessSection } from './access-section.ts';

export type RouteToken = 'user' | 'optional' | 'client' | 'exchange' | 'none';
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'] as const;
export type RouteMethod = (typeof METHODS)[number];

const isCookieName = (name: string): boolean => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/.test(name);
const onlyWithoutToken = (_: unknown, route: RouteSection): boolean => route.token === 'none';

const ONLY_WITH_BEARER = 'is for token: user, client or exchange';
const withBearer = (value: unknown, { token }: RouteSection): boolean => value === undefined || (token !== 'none' && token !== 'optional');

const isServerName = (name: string): boolean => isIP(name) !== 0 || /^(?=.{1,253}$)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/.test(name);

/** TLS to one upstream. */
export class RouteTlsSection {
  @Option({
    type: file(),
    doc: 'Certificate authorities trusted besides the default ones, PEM. Read again when the file changes, as are the two below.',
  })
  readonly caFile?: string;

  @Satisfies((it?: string) => it === undefined || isServerName(it), 'must be a host name or an address')
  @Option({ type: text('host name'), doc: "Name expected in the upstream's certificate; default: the upstream's host." })
  readonly serverName?: string;

  @Option({ type: file(), doc: 'Client certificate with its chain, PEM; only together with `keyFile`.' })
  readonly certFile?: string;

  @Option({ type: file(), doc: 'Key of the client certificate, PEM, not encrypted.' })
  readonly keyFile?: string;

  @Option({ type: oneOf('TLSv1.2', 'TLSv1.3'), doc: 'Oldest TLS version accepted.' })
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.2';

  @Option({ type: flag(), doc: 'Accept any certificate. Never in production.' })
  readonly insecureSkipVerify: boolean = false;
}

/** One API behind us. Milliseconds and bytes; `off` is `undefined`. */
export class RouteSection {
  @Satisfies(isPlainPath, 'must be a path of plain segments such as /api, not / and without a slash at the end')
  @Option({
    type: text('path'),
    required: true,
    doc: 'Prefix of whole segments below the path of `publicUrl`, case-sensitive; the longest wins. Not `/`, nothing at or above `basePath`.',
  })
  readonly path!: string;

  @Option({ type: baseUrl(), required: true, doc: "Where requests go; a path there is put in front of the request's." })
  readonly upstream!: BaseUrl;

  @Option({ type: flag(), doc: 'Take the prefix off the path; `/api` itself becomes `/`.' })
  readonly stripPrefix: boolean = false;

  @Option({
    type: oneOf('user', 'optional', 'client', 'exchange', 'none'),
    doc: "Access token attached: the `user`'s (401 without a session), `optional` = when there is a session, our own (`client`), an exchanged one, or `none`.",
  })
  readonly token: RouteToken = 'user';

  @Each(isWord, 'must be a list of scope words')
  @NoRepeats()
  @Satisfies(withBearer, ONLY_WITH_BEARER)
  @Option({
    type: listOf(text('words')),
    doc: 'Scope: asked for with `client`, `exchange` and another audience; with `user` the session must have been granted it, else 403.',
  })
  readonly scope?: readonly string[];

  @Satisfies((it?: string) => it === undefined || isResource(it), 'must be an absolute URI without a fragment (RFC 8707)')
  @Satisfies(withBearer, ONLY_WITH_BEARER)
  @Option({ type: text('URI'), doc: 'Resource the token is for (RFC 8707). With `user`, logins ask for it too.' })
  readonly resource?: string;

  @Satisfies(withBearer, ONLY_WITH_BEARER)
  @Option({ type: text(), doc: 'Audience the token is for, for providers that take one (RFC 8693).' })
  readonly audience?: string;

  @Section({ section: AccessSection, doc: "Judged in addition to the application's `access`." })
  readonly access: AccessSection = new AccessSection();

  @NoRepeats()
  @Satisfies((methods: readonly string[]) => methods.length > 0, 'must not be empty')
  @Option({ type: listOf(oneOf(...METHODS)), doc: 'Methods that pass; others get 405.' })
  readonly methods: readonly RouteMethod[] = METHODS;

  @Satisfies((csrf: boolean, route: RouteSection) => csrf || route.token === 'none', 'may be off only with token: none')
  @Option({ type: flag('on-off'), doc: 'Check that requests come from our own pages. `off` only with `token: none`.' })
  readonly csrf: boolean = true;

  @Option({ type: oneOf('button', 'allow'), doc: 'A link from another site: a page with a button that goes on, or straight through.' })
  readonly navigation: 'button' | 'allow' = 'button';

  @Satisfies((it: string, route: RouteSection) => it === 'remove' || onlyWithoutToken(it, route), 'may be pass only with token: none')
  @Option({ type: oneOf('remove', 'pass'), doc: "The client's own `Authorization` header. `pass` only with `token: none`." })
  readonly clientAuthorization: 'remove' | 'pass' = 'remove';

  @Each(isCookieName, 'must be a list of cookie names')
  @NoRepeats()
  @Option({ type: listOf(text('cookie names')), doc: 'Cookies of the client that go upstream.' })
  readonly cookies: readonly string[] = [];

  @Each(isCookieName, 'must be a list of cookie names')
  @NoRepeats()
  @Option({
    type: listOf(text('cookie names')),
    doc: 'Cookies of the upstream that come back, without Domain and with a Path under the route.',
  })
  readonly setCookie: readonly string[] = [];

  @Option({ type: freeMap(), planned: true, doc: 'Request headers filled from claims, such as `X-User: sub`.' })
  readonly identityHeaders: Readonly<Record<string, string>> = {};

  @Sized('64B', '64KiB')
  @Option({ type: size(), planned: true, doc: 'The most that identity headers may weigh.' })
  readonly identityHeaderMax: number = 4 * KIB;

  @Option({ type: flag(), doc: "Send the public Host upstream instead of the upstream's own." })
  readonly preserveHost: boolean = false;

  @Option({ type: flag(), doc: 'Send `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded`.' })
  readonly forwarded: boolean = true;

  @Option({ type: oneOf('same-origin', 'any'), doc: "Absolute `Location`: only the upstream's own origin (rewritten to ours), or any." })
  readonly redirects: 'same-origin' | 'any' = 'same-origin';

  @Option({ type: flag(), doc: 'Let `%2F` in the path through.' })
  readonly allowEncodedSlash: boolean = false;

  @Sized('0B', '1024GiB')
  @Option({ type: orOff(size()), doc: 'The largest request body; over it: 413.' })
  readonly maxBody?: number;

  @Lasting('10ms', '10m')
  @Option({ type: duration(), doc: 'Time to connect to the upstream.' })
  readonly connectTimeout: number = 5 * SECOND;

  @Lasting('10ms', '1d')
  @Option({ type: duration(), doc: "Time until the upstream's response head; over it: 504." })
  readonly headersTimeout: number = MINUTE;

  @Lasting('10ms', '1d')
  @Option({
    type: duration(),
    doc: 'Longest pause between two bytes of a body, either way; event streams are not bound by it.',
  })
  readonly idleTimeout: number = MINUTE;

  @Between(1, 1_000_000)
  @Option({ type: integer(), doc: 'Requests at once; over it: 503 `overloaded`.' })
  readonly maxInFlight: number = 1000;

  @Lasting('1s', '30d')
  @Option({ type: duration(), doc: 'The longest an event stream lives.' })
  readonly maxAge: number = 12 * HOUR;

  @Option({ type: flag(), doc: "On the upstream's 401, renew once and try again (requests without a body)." })
  readonly retryOn401: boolean = false;

  @Option({ type: flag(), doc: '`false`: requests here do not count as activity of the session.' })
  readonly activity: boolean = true;

  @Section({ section: RouteTlsSection, doc: 'TLS to this upstream.' })
  readonly tls?: RouteTlsSection;
}
