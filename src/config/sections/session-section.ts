import { listOf } from '../collection-types.ts';
import { Lasting, NoRepeats, Satisfies } from '../constraints.ts';
import { HOUR, MINUTE, SECOND } from '../duration.ts';
import { Option } from '../option.ts';
import { duration, oneOf, text } from '../scalar-types.ts';

/** How long a session lives and what it holds. Milliseconds. */
export class SessionSection {
  @Option({
    type: oneOf('cookie', 'redis', 'auto'),
    planned: ['redis', 'auto'],
    doc: 'Where a session is kept: in the encrypted cookie, in Redis, or `auto` = the cookie, and Redis when it grows over budget.',
  })
  readonly store: 'cookie' | 'redis' | 'auto' = 'cookie';

  @Satisfies((idle: number, session: SessionSection) => idle <= session.absolute, 'must not be longer than session.absolute')
  @Lasting('1s', '400d')
  @Option({ type: duration(), doc: 'A session not used for this long has ended.' })
  readonly idle: number = 30 * MINUTE;

  @Lasting('1s', '400d')
  @Option({ type: duration(), doc: 'A session older than this has ended, used or not.' })
  readonly absolute: number = 12 * HOUR;

  @Satisfies((step: number, session: SessionSection) => step <= Math.max(session.idle, SECOND), 'must not be longer than session.idle')
  @Lasting('100ms', '40d')
  @Option({
    type: duration(),
    derive: (session: SessionSection) => Math.max(100, Math.floor(session.idle / 10)),
    defaultWords: '`session.idle` / 10',
    doc: 'Activity is written into the cookie at most this often.',
  })
  readonly idleStep: number = 3 * MINUTE;

  @NoRepeats()
  @Option({ type: listOf(text('words')), doc: 'Claims of the user that are kept and shown to the page; `sub` is always among them.' })
  readonly claims: readonly string[] = ['sub', 'name', 'email'];
}
