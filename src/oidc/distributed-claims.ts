import type { Claims } from '../kernel/claims.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { Seldom } from '../kernel/seldom.ts';
import { isJsonObject } from './json-object.ts';

const HOUR_MS = 3_600_000;

/**
 * Says, at most once an hour, that a wanted claim was left out of a login because the provider keeps it elsewhere (OIDC Core §5.6.2):
 * Entra does so with the groups of somebody who is in many. Whoever is admitted by such a claim is refused then, and would not know why.
 */
export class DistributedClaims {
  readonly #seldom: Seldom;
  readonly #logger: Logger;
  readonly #wanted: readonly string[];

  constructor(clock: Clock, logger: Logger, wanted: readonly string[]) {
    this.#seldom = new Seldom(clock, HOUR_MS);
    this.#logger = logger;
    this.#wanted = wanted;
  }

  check(claims: Claims): void {
    const elsewhere = this.#wanted.filter((name) => claims[name] === undefined && isElsewhere(name, claims));
    if (elsewhere.length === 0 || !this.#seldom.isTime()) return;
    this.#logger.warn('claims_elsewhere', {
      claims: elsewhere,
      detail:
        'The provider left these claims out because they are too large, and named another place for them, which is not asked. ' +
        'Let it send fewer values (Entra: groups assigned to the application, or application roles instead of groups).',
    });
  }
}

/** `hasgroups` is what Entra says where a URL has to be short. */
function isElsewhere(name: string, claims: Claims): boolean {
  const names = claims['_claim_names'];
  return (isJsonObject(names) && Object.hasOwn(names, name)) || (name === 'groups' && claims['hasgroups'] === true);
}
