import { isIP } from 'node:net';
import type { BaseUrl } from './base-url.ts';
import { isLoopback, isPlainPath } from './base-url.ts';
import { listOf } from './collection-types.ts';
import { Between, Each, NoRepeats, Satisfies, Section, Sections } from './constraints.ts';
import { Option } from './option.ts';
import { routesFromText } from './routes-short-form.ts';
import { baseUrl, flag, integer, text } from './scalar-types.ts';
import { AccessSection } from './sections/access-section.ts';
import { CookieSection } from './sections/cookie-section.ts';
import { ListenSection } from './sections/listen-section.ts';
import { LoginSection, PasswordLoginSection } from './sections/login-section.ts';
import { LogoutSection, RevocationSection } from './sections/logout-section.ts';
import { ManagementSection } from './sections/management-section.ts';
import { CsrfSection, EventsSection, SpaSection, WebsocketSection } from './sections/page-sections.ts';
import { LogSection, MetricsSection, ShutdownSection } from './sections/process-sections.ts';
import { ProviderSection } from './sections/provider-section.ts';
import { RedisSection } from './sections/redis-section.ts';
import { RefreshSection } from './sections/refresh-section.ts';
import { RouteSection } from './sections/route-section.ts';
import { SessionSection } from './sections/session-section.ts';
import { TracingSection } from './sections/tracing-section.ts';

function isCidr(range: string): boolean {
  const [address = '', bits = '', ...rest] = range.split('/');
  const family = isIP(address);
  return family !== 0 && rest.length === 0 && /^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

/**
 * The whole configuration as the program sees it, with the names of the YAML file: durations are milliseconds, sizes bytes,
 * secrets {@link Secret}, `off` and absent values `undefined`. Only `loadConfig` makes a valid one.
 */
export class Config {
  @Satisfies((url: BaseUrl) => url.origin.startsWith('https:') || isLoopback(url.origin), 'must be https (http on a loopback address only)')
  @Option({
    type: baseUrl(),
    required: true,
    doc: 'Where browsers reach us. The only source of redirect URIs, cookie attributes and origin checks; never the request.',
  })
  readonly publicUrl!: BaseUrl;

  @Satisfies(isPlainPath, 'must be a path of plain segments such as /bff, without a slash at the end')
  @Option({ type: text('path'), doc: 'Where our own endpoints lie, below the path of `publicUrl`.' })
  readonly basePath: string = '/bff';

  @Option({ type: flag(), doc: '`true`: the ingress takes the path of `publicUrl` off before us; `false`: we see it.' })
  readonly ingressStripsPath: boolean = false;

  @Between(1, 10_000)
  @Option({ type: integer(), doc: 'How many processes like this one serve the application. Declared, never guessed.' })
  readonly replicas: number = 1;

  @Each(isCidr, 'must be a list of address ranges such as 10.0.0.0/8')
  @NoRepeats()
  @Option({ type: listOf(text('CIDR')), doc: 'Only from these are `X-Forwarded-For`, `-Proto` and `-Host` read.' })
  readonly trustedProxies: readonly string[] = [];

  @Section({ section: ListenSection, doc: 'The public port.' })
  readonly listen: ListenSection = new ListenSection();

  @Section({ section: ManagementSection, doc: 'The port of the platform: `/livez`, `/readyz`.' })
  readonly management: ManagementSection = new ManagementSection();

  @Section({ section: ShutdownSection, doc: 'What happens on SIGTERM.' })
  readonly shutdown: ShutdownSection = new ShutdownSection();

  @Section({ section: LogSection, doc: 'JSON lines on standard output.' })
  readonly log: LogSection = new LogSection();

  @Section({ section: ProviderSection, required: true, doc: 'The OpenID provider and our registration there.' })
  readonly provider!: ProviderSection;

  @Section({ section: LoginSection, doc: 'The start of a login.' })
  readonly login: LoginSection = new LoginSection();

  @Section({ section: PasswordLoginSection, doc: 'Legacy password grant.' })
  readonly passwordLogin: PasswordLoginSection = new PasswordLoginSection();

  @Section({ section: CookieSection, required: true, doc: 'The session cookie and the keys that seal it.' })
  readonly cookie!: CookieSection;

  @Section({ section: SessionSection, doc: 'How long a session lives and what it holds.' })
  readonly session: SessionSection = new SessionSection();

  @Section({ section: AccessSection, doc: 'Who may come in.' })
  readonly access: AccessSection = new AccessSection();

  @Section({ section: RefreshSection, doc: 'How access tokens are renewed.' })
  readonly refresh: RefreshSection = new RefreshSection();

  @Section({ section: LogoutSection, doc: 'The end of a session.' })
  readonly logout: LogoutSection = new LogoutSection();

  @Section({ section: RevocationSection, doc: 'Sessions ended from elsewhere.' })
  readonly revocation: RevocationSection = new RevocationSection();

  @Section({ section: CsrfSection, doc: 'Protection against requests from other sites.' })
  readonly csrf: CsrfSection = new CsrfSection();

  @Section({ section: EventsSection, doc: "The page's event stream." })
  readonly events: EventsSection = new EventsSection();

  @Section({ section: WebsocketSection, doc: 'Proxied WebSockets.' })
  readonly websocket: WebsocketSection = new WebsocketSection();

  @Section({ section: RedisSection, doc: 'The store that several replicas share: exactly one of `url`, `sentinel` and `cluster`.' })
  readonly redis?: RedisSection;

  @Sections({
    listOf: RouteSection,
    shortForm: { read: routesFromText, example: '/api=http://api:8080,/files=http://files:9000' },
    doc: 'The APIs behind us. Short form in the environment: `CLOAKROOM_ROUTES="/api=http://api:8080"`.',
  })
  readonly routes: readonly RouteSection[] = [];

  @Section({ section: SpaSection, doc: 'The single-page application served for everything else.' })
  readonly spa?: SpaSection;

  @Section({ section: MetricsSection, doc: 'Prometheus metrics.' })
  readonly metrics: MetricsSection = new MetricsSection();

  @Section({ section: TracingSection, planned: true, doc: 'OpenTelemetry traces.' })
  readonly tracing?: TracingSection;
}
