import { Lasting } from '../constraints.ts';
import { SECOND } from '../duration.ts';
import { Option } from '../option.ts';
import { duration, flag, oneOf } from '../scalar-types.ts';

/** What happens on SIGTERM. Milliseconds. */
export class ShutdownSection {
  @Lasting('0s', '10m')
  @Option({
    type: duration(),
    doc: 'Between turning unready and accepting no more connections: the time the platform needs to take us out.',
  })
  readonly delay: number = 5 * SECOND;

  @Lasting('0s', '1h')
  @Option({ type: duration(), doc: 'How long open requests may go on after that.' })
  readonly grace: number = 25 * SECOND;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** JSON lines on standard output. */
export class LogSection {
  @Option({ type: oneOf('debug', 'info', 'warn', 'error'), doc: 'The least severe line that is written.' })
  readonly level: LogLevel = 'info';

  @Option({ type: flag(), doc: 'One line for each request, with the route and never the query.' })
  readonly access: boolean = true;
}

export class MetricsSection {
  @Option({ type: flag(), doc: 'Serve `/metrics` on the management port.' })
  readonly enabled: boolean = true;
}
