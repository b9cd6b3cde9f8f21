import type { Clock } from '../kernel/clock.ts';
import type { AuthParts } from './auth-parts.ts';

/** What comes back from the provider with the user, in `state` (RP-Initiated Logout 1.0 §3). */
export interface LogoutState {
  readonly returnTo: string;
  /** The deferred revocation that this return lets happen. */
  readonly deferred?: string;
}

interface Parts {
  readonly logoutSeal: AuthParts['logoutSeal'];
  readonly clock: Clock;
}

const TTL_MS = 10 * 60_000;

/** Sealed, because it is a link in everybody's hands; with its time inside, because a seal does not age. */
export class LogoutStates {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  seal({ returnTo, deferred }: LogoutState): Promise<string> {
    const { logoutSeal, clock } = this.#parts;
    return logoutSeal.seal('logout', { returnTo, at: clock.now(), ...(deferred === undefined ? {} : { deferred }) });
  }

  /** `undefined` for anything that is not ours, not readable, or too old. */
  async open(state: string | undefined): Promise<LogoutState | undefined> {
    if (state === undefined) return undefined;
    const unsealed = await this.#parts.logoutSeal.unseal('logout', state);
    if (unsealed.kind !== 'sealed' || !isState(unsealed.payload)) return undefined;
    const { returnTo, at, deferred } = unsealed.payload;
    if (this.#parts.clock.now() - at > TTL_MS) return undefined;
    return { returnTo, ...(typeof deferred === 'string' ? { deferred } : {}) };
  }
}

function isState(payload: unknown): payload is { returnTo: string; at: number; deferred?: unknown } {
  if (typeof payload !== 'object' || payload === null) return false;
  return 'returnTo' in payload && typeof payload.returnTo === 'string' && 'at' in payload && typeof payload.at === 'number';
}
