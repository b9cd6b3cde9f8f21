import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { Seldom } from '../kernel/seldom.ts';

/** Where the provider said no: at its authorization endpoint, or to one of the grants at its token endpoint. */
export type GrantStep = 'authorization' | 'code' | 'refresh' | 'password';

const HOUR_MS = 3_600_000;

const REFRESH_TOKEN = 'offline_access is asked for (provider.scope), which needs "Refresh Token" among the client\'s allowed grant types';
const OR_SECRET = 'Some providers say the same of a wrong client secret (provider.clientSecret).';
const SCOPE = 'Look at provider.scope: the provider must know every word of it and allow it to this client.';
const POLICY =
  'If the user did not refuse: look at the access policies of the provider, which must admit this user, this client and its scope.';

const GRANT_NAMES: Readonly<Record<GrantStep, string>> = {
  authorization: 'Authorization Code',
  code: 'Authorization Code',
  refresh: 'Refresh Token',
  password: 'Resource Owner Password',
};

/**
 * What to look at when the provider refuses with this error, in words for who registered the client; `undefined` for errors that say
 * nothing about the registration. Nothing of the provider's answer is in it.
 */
export function grantAdvice(step: GrantStep, error: string, asked: { readonly offlineAccess: boolean }): string | undefined {
  const alsoRefreshToken = asked.offlineAccess && step !== 'refresh' ? [`${REFRESH_TOKEN} as well.`] : [];
  switch (error) {
    case 'unauthorized_client':
    case 'unsupported_grant_type': {
      const grant = `Look at the client's allowed grant types at the provider: "${GRANT_NAMES[step]}" must be ticked.`;
      return [grant, ...alsoRefreshToken, ...(step === 'authorization' ? [] : [OR_SECRET])].join(' ');
    }
    case 'invalid_scope':
      return [SCOPE, ...alsoRefreshToken].join(' ');
    case 'access_denied':
      return step === 'refresh' ? undefined : [POLICY, ...alsoRefreshToken].join(' ');
    default:
      return undefined;
  }
}

export interface GrantAdviceOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly offlineAccess: boolean;
}

/** Gives the advice, and says it in the log: at most once an hour for each step and error, however many users meet it. */
export class GrantAdvice {
  readonly #options: GrantAdviceOptions;
  readonly #seldom: Seldom;

  constructor(options: GrantAdviceOptions) {
    this.#options = options;
    this.#seldom = new Seldom(options.clock, HOUR_MS);
  }

  give(step: GrantStep, error: string): string | undefined {
    const advice = grantAdvice(step, error, this.#options);
    if (advice !== undefined && this.#seldom.isTime(`${step} ${error}`)) {
      this.#options.logger.warn('grant_not_allowed', { step, providerError: error, detail: advice });
    }
    return advice;
  }
}
