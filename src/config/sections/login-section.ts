import { listOf } from '../collection-types.ts';
import { Between, Each, Form, Lasting, NoRepeats } from '../constraints.ts';
import { MINUTE } from '../duration.ts';
import { Option } from '../option.ts';
import { RESERVED_PARAMS_RULE, isReservedParam } from '../provider-rules.ts';
import { duration, flag, integer, text } from '../scalar-types.ts';

const PARAMETER_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const OURS: ReadonlySet<string> = new Set(['returnTo', 'iss', 'target_link_uri']);

/** The start of a login. */
export class LoginSection {
  @Each((name: string) => PARAMETER_NAME.test(name) && !OURS.has(name), 'must be a list of parameter names')
  @Each((name: string) => !isReservedParam(name), RESERVED_PARAMS_RULE)
  @NoRepeats()
  @Option({ type: listOf(text('words')), doc: 'Query parameters of the login endpoint that are passed on to the provider.' })
  readonly params: readonly string[] = ['prompt', 'login_hint', 'max_age', 'acr_values', 'ui_locales'];

  @Lasting('1s', '1h')
  @Option({ type: duration(), doc: 'How long a user may take to come back from the provider. Milliseconds in memory.' })
  readonly attemptTtl: number = 10 * MINUTE;

  @Form(PARAMETER_NAME, 'a parameter name')
  @Option({ type: text(), doc: 'Query parameter by which a silent login (`prompt=none`) reports its failure to the page.' })
  readonly silentErrorParam: string = 'login_error';
}

/** Legacy login by user name and password. */
export class PasswordLoginSection {
  @Option({
    type: flag(),
    doc: 'Accept user name and password from the page at `password-login` and hand them to the provider (RFC 6749 §4.3). Forbidden by RFC 9700 §2.4 and OAuth 2.1, without single sign-on and without a second factor; only for a client that cannot be changed yet. See [Password login](tokens.md#password-login-legacy).',
  })
  readonly enabled: boolean = false;

  @Between(1, 1000)
  @Option({ type: integer(), doc: 'Attempts a minute that one process admits, per client address and per user name.' })
  readonly perMinute: number = 5;
}
