import type { Secret } from '../../kernel/secret.ts';
import { Between } from '../constraints.ts';
import { Option } from '../option.ts';
import { integer, secret, text } from '../scalar-types.ts';

/** The port of the platform: health, never reachable from outside. */
export class ManagementSection {
  @Option({ type: text('host or address'), doc: 'Address to listen on.' })
  readonly host: string = '0.0.0.0';

  @Between(0, 65535)
  @Option({ type: integer(), doc: '0 = any free port. Must differ from `listen.port`.' })
  readonly port: number = 9090;

  @Option({ type: secret(), planned: true, doc: 'Bearer for `POST /revoke`; absent = that endpoint answers 404.' })
  readonly token?: Secret;
}
