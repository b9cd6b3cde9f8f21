import { Satisfies } from '../constraints.ts';
import { Option } from '../option.ts';
import { isProviderUrl } from '../provider-rules.ts';
import { flag, oneOf, text } from '../scalar-types.ts';

const withoutPlaceholders = (template: string): string => template.replace(/\{(?:clientId|postLogoutUri)\}/g, 'x');

/** The end of a session. */
export class LogoutSection {
  @Option({
    type: oneOf('before', 'after', 'off'),
    doc: "Whether and when tokens are revoked (RFC 7009), before or after the provider's end-session.",
  })
  readonly revoke: 'before' | 'after' | 'off' = 'before';

  @Option({ type: flag(), doc: 'Also end the session at the provider; `false` = only ours.' })
  readonly endSession: boolean = true;

  @Satisfies(
    (template: string) => isProviderUrl(withoutPlaceholders(template)) && !/[{}]/.test(withoutPlaceholders(template)),
    'must be an https URL (http on a loopback address only) whose only placeholders are {clientId} and {postLogoutUri}',
  )
  @Option({
    type: text('URL template'),
    doc: 'For providers without an end-session endpoint; `{clientId}` and `{postLogoutUri}` are filled in.',
  })
  readonly endSessionUrl?: string;

  @Option({
    type: flag(),
    doc: 'Serve the back-channel logout endpoint. Not available in this version: `true` gives a warning, and the endpoint answers 404.',
  })
  readonly backChannel: boolean = false;

  @Option({ type: flag(), planned: true, doc: 'Serve the front-channel logout endpoint.' })
  readonly frontChannel: boolean = false;
}

export class RevocationSection {
  @Option({
    type: oneOf('allow', 'refuse'),
    planned: true,
    doc: 'What to do while Redis is configured and the list of revocations was never read.',
  })
  readonly whenUnknown: 'allow' | 'refuse' = 'allow';
}
