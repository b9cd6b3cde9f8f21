import type { Claims, ClaimValue } from '../kernel/claims.ts';
import type { Failure } from '../kernel/errors.ts';

export type JsonScalar = string | number | boolean | null;

/** `claim`: its value, or one entry of it, is one of `anyOf`. `emailDomain`: a verified address in one of these domains. */
export type AccessRule = { readonly claim: string; readonly anyOf: readonly JsonScalar[] } | { readonly emailDomain: readonly string[] };

/** What the account learns that no rule admits: on a route, at login, at refresh. */
export const NOT_ADMITTED: Failure = { code: 'forbidden', detail: 'This account may not use this application.' };

/** Pure. One rule that fits admits; no rule at all admits everybody. */
export function mayEnter(rules: readonly AccessRule[], claims: Claims): boolean {
  return rules.length === 0 || rules.some((rule) => admits(rule, claims));
}

function admits(rule: AccessRule, claims: Claims): boolean {
  if ('emailDomain' in rule) return hasDomain(claims, rule.emailDomain);
  const value = Object.hasOwn(claims, rule.claim) ? claims[rule.claim] : undefined;
  if (value === undefined) return false;
  return isList(value) ? value.some((entry) => isOneOf(entry, rule.anyOf)) : isOneOf(value, rule.anyOf);
}

/** The domain is what follows the only `@`: a quoted local part with another one is nobody's ordinary address (GHSA-c5c4-8r6x-56w3). */
function hasDomain(claims: Claims, domains: readonly string[]): boolean {
  const email = claims['email'];
  if (claims['email_verified'] !== true || typeof email !== 'string') return false;
  const [local, domain, ...more] = email.split('@');
  if (local === undefined || local === '' || domain === undefined || more.length > 0) return false;
  return domains.some((it) => it.toLowerCase() === domain.toLowerCase());
}

const isList = (value: ClaimValue): value is readonly ClaimValue[] => Array.isArray(value);

const isOneOf = (value: ClaimValue, scalars: readonly JsonScalar[]): boolean => scalars.some((it) => it === value);
