import { listOf, orOff, wordOrList } from '../collection-types.ts';
import { Between, Each, Lasting, NoRepeats, Satisfies, Section, Sized } from '../constraints.ts';
import { MINUTE, SECOND } from '../duration.ts';
import { Option } from '../option.ts';
import { isWord } from '../provider-rules.ts';
import { duration, flag, integer, oneOf, size, text } from '../scalar-types.ts';
import { MIB } from '../size.ts';

/** When the provider fails again and again. */
export class BreakerSection {
  @Between(1, 1000)
  @Option({ type: integer(), doc: 'Failed calls in a row before we stop asking.' })
  readonly failures: number = 5;

  @Lasting('100ms', '10m')
  @Option({ type: duration(), doc: 'How long we then do not ask.' })
  readonly pause: number = 10 * SECOND;
}

/** How access tokens are renewed. Milliseconds and bytes. */
export class RefreshSection {
  @Lasting('0s', '1h')
  @Option({
    type: duration(),
    doc: 'How long before its end an access token is renewed; at most a third of its lifetime, with a little jitter.',
  })
  readonly early: number = MINUTE;

  @Lasting('0s', '10s')
  @Option({ type: duration(), doc: 'The longest a request waits for an early renewal while its token is still good.' })
  readonly earlyWait: number = 300;

  @Lasting('1s', '1h')
  @Option({ type: duration(), doc: 'How long the previous cookie still works after the new one was seen.' })
  readonly handover: number = MINUTE;

  @Lasting('0s', '1h')
  @Option({ type: duration(), doc: 'How old a new cookie must be before its return proves that the browser has stored it.' })
  readonly confirmAfter: number = 45 * SECOND;

  @Sized('1MiB', '64GiB')
  @Option({ type: size(), doc: 'Memory for the newest cookies of sessions renewed lately.' })
  readonly headMemory: number = 64 * MIB;

  @Lasting('0s', '10m')
  @Option({ type: duration(), doc: 'For how long the provider accepts a refresh token a second time; 0s = never.' })
  readonly providerLeeway: number = 0;

  @Option({
    type: oneOf('auto', 'wait', 'risk'),
    doc: 'What happens to renewals while Redis is configured and unreachable: `wait` for it (then 503, the session kept), `risk` that two processes spend one refresh token, or `auto` = go on where that does no harm (tokens that do not change, `providerLeeway` of 5s or more), else wait.',
  })
  readonly withoutCoordination: 'auto' | 'wait' | 'risk' = 'auto';

  @Lasting('100ms', '2m')
  @Option({ type: duration(), doc: 'The longest a request waits for a renewal that another request began.' })
  readonly wait: number = 10 * SECOND;

  @Lasting('0s', '10m')
  @Option({ type: duration(), doc: '`POST <basePath>/refresh` renews a session at most this often.' })
  readonly cooldown: number = 2 * SECOND;

  @Between(1, 10_000)
  @Option({
    type: integer(),
    doc: 'Renewals at once in this process; twenty times as many wait for their turn, and the rest is told to come again (503 `overloaded`).',
  })
  readonly maxInFlight: number = 50;

  @Each(isWord, 'must be a list of OAuth error codes')
  @NoRepeats()
  @Option({ type: listOf(text('words')), doc: 'OAuth error codes of the token endpoint that end a session at once.' })
  readonly fatalErrors: readonly string[] = ['invalid_grant'];

  @Section({ section: BreakerSection, doc: 'Pause in asking a provider that is down.' })
  readonly breaker: BreakerSection = new BreakerSection();

  @Lasting('10s', '1d')
  @Option({ type: duration(), doc: 'Lifetime of an access token whose answer names none.' })
  readonly fallbackLifetime: number = 5 * MINUTE;

  @Option({ type: flag(), doc: 'Send `redirect_uri` in the refresh request, for providers that want it.' })
  readonly redirectUri: boolean = false;

  @Satisfies(
    (scope?: 'granted' | readonly string[]) => scope === undefined || typeof scope === 'string' || scope.every(isWord),
    'must be off, granted, or a list of words without spaces',
  )
  @Option({
    type: orOff(wordOrList('granted', listOf(text('words')))),
    doc: 'Send `scope` in the refresh request: `off`, what was `granted`, or these words as far as they were granted.',
  })
  readonly scope?: 'granted' | readonly string[];
}
