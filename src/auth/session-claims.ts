import type { AccessRule } from '../access/access-policy.ts';
import type { Claims, ClaimValue } from '../kernel/claims.ts';

/** The claims that an access rule looks at: they must be kept, or the next request could not be judged. */
export function claimsOfRules(rules: readonly AccessRule[]): readonly string[] {
  return rules.flatMap((rule) => ('claim' in rule ? [rule.claim] : ['email', 'email_verified']));
}

/** The named claims only; `sub` is always in. The whole ID token is never kept in a session. */
export function selectClaims(claims: Claims, names: readonly string[]): Claims {
  const selected: [string, ClaimValue][] = [];
  for (const name of new Set(['sub', ...names])) {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (value !== undefined) selected.push([name, value]);
  }
  return Object.fromEntries(selected);
}
