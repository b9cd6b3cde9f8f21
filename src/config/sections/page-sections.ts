import { freeMap } from '../collection-types.ts';
import { Between, Lasting } from '../constraints.ts';
import { HOUR, MINUTE, SECOND } from '../duration.ts';
import { Option } from '../option.ts';
import { directory, duration, flag, integer, text } from '../scalar-types.ts';

export class CsrfSection {
  @Option({ type: flag(), doc: 'Demand `X-CSRF: 1` on every API request. Breaks images, downloads, event streams and beacons.' })
  readonly requireHeader: boolean = false;
}

/** The page's event stream. Milliseconds. */
export class EventsSection {
  @Lasting('0s', '1h')
  @Option({ type: duration(), planned: true, doc: 'How long before the absolute limit `session-ending` is sent.' })
  readonly warnBefore: number = 2 * MINUTE;
}

/** Proxied WebSockets. Milliseconds. */
export class WebsocketSection {
  @Lasting('1s', '1h')
  @Option({ type: duration(), doc: 'Time between two pings.' })
  readonly ping: number = 25 * SECOND;

  @Lasting('1m', '7d')
  @Option({ type: duration(), doc: 'The longest a connection lives.' })
  readonly maxAge: number = 12 * HOUR;

  @Between(1, 10_000)
  @Option({ type: integer(), doc: 'Connections of one session.' })
  readonly perSession: number = 20;

  @Between(1, 1_000_000)
  @Option({ type: integer(), doc: 'Connections of this process.' })
  readonly total: number = 10_000;
}

/** The single-page application. */
export class SpaSection {
  @Option({ type: directory('index.html'), required: true, doc: 'Built files; unknown paths get `index.html`, which must be there.' })
  readonly directory!: string;

  @Option({ type: text('URL'), planned: true, doc: 'A development server instead of a directory.' })
  readonly upstream?: string;

  @Option({ type: flag(), planned: true, doc: 'Documents only for users who are logged in.' })
  readonly requireLogin: boolean = false;

  @Option({ type: freeMap(), planned: true, doc: 'What `<basePath>/config.js` publishes as `globalThis.__CLOAKROOM__`.' })
  readonly config: Readonly<Record<string, string>> = {};

  @Option({ type: freeMap(), planned: true, doc: 'Overrides of the security headers.' })
  readonly headers: Readonly<Record<string, string>> = {};
}
