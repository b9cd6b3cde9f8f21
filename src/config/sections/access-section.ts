import { listOf } from '../collection-types.ts';
import { Satisfies, Sections } from '../constraints.ts';
import { Option } from '../option.ts';
import { scalar, text } from '../scalar-types.ts';

/** One way in: `{ claim, anyOf }` or `{ emailDomain }`, never both. */
export class AccessRuleSection {
  @Option({ type: text(), doc: 'Name of a claim; needs `anyOf`.' })
  readonly claim?: string;

  @Satisfies((values: readonly unknown[]) => values.length > 0, 'must not be empty')
  @Option({ type: listOf(scalar()), doc: 'Values of which the claim must be, or hold, one.' })
  readonly anyOf?: readonly (string | number | boolean)[];

  @Satisfies((domains: readonly string[]) => domains.length > 0, 'must not be empty')
  @Satisfies(
    (domains: readonly string[]) => domains.every((it) => /^(?!-)[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i.test(it)),
    'must be a list of domain names',
  )
  @Option({ type: listOf(text()), doc: 'Domains of which a verified e-mail address must be one (needs `email_verified`).' })
  readonly emailDomain?: readonly string[];
}

/** What an entry is once it was checked: exactly one of the two forms. */
export type AccessRule =
  { readonly claim: string; readonly anyOf: readonly (string | number | boolean)[] } | { readonly emailDomain: readonly string[] };

/** Who may come in. */
export class AccessSection {
  @Satisfies(
    (rules: readonly AccessRuleSection[]) => rules.every(isOneForm),
    'each entry must be either { claim, anyOf } or { emailDomain }',
  )
  @Sections({ listOf: AccessRuleSection, doc: 'Any entry admits; none = every account of the provider.' })
  readonly allow: readonly AccessRule[] = [];
}

function isOneForm({ claim, anyOf, emailDomain }: AccessRuleSection): boolean {
  const byClaim = claim !== undefined && anyOf !== undefined;
  return emailDomain === undefined ? byClaim : claim === undefined && anyOf === undefined;
}
