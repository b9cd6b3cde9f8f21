import type { Logger } from '../kernel/logger.ts';

/** Whether the provider gives a new refresh token with every refresh (RFC 6749 §6; RFC 9700 §4.14.2). `unknown`: none was seen yet. */
export type Rotation = 'unknown' | 'static' | 'rotating';

export interface RefreshTokenRotationOptions {
  /** What is known of the provider. `static` also where each refresh brings another token and the older ones stay good, as at Entra. */
  readonly known: Rotation;
  /** Several processes share sessions, and nothing keeps them from spending the same refresh token. */
  readonly uncoordinated: boolean;
  readonly logger: Pick<Logger, 'warn'>;
}

/** What the provider does with refresh tokens: as it is known, or as its answers show. Whoever has rotated one is taken to rotate all. */
export class RefreshTokenRotation {
  readonly #options: RefreshTokenRotationOptions;
  #seen: Rotation;

  constructor(options: RefreshTokenRotationOptions) {
    this.#options = options;
    this.#seen = options.known;
  }

  get seen(): Rotation {
    return this.#seen;
  }

  /** `received`: the refresh token of the answer, if it had one. */
  learn(sent: string | undefined, received: string | undefined): void {
    if (this.#options.known !== 'unknown') return;
    const rotated = received !== undefined && received !== sent;
    if (rotated && this.#options.uncoordinated && this.#seen !== 'rotating') this.#warn();
    if (rotated) this.#seen = 'rotating';
    else if (this.#seen === 'unknown') this.#seen = 'static';
  }

  #warn(): void {
    this.#options.logger.warn('refresh_rotation_uncoordinated', {
      detail:
        'the provider gives a new refresh token with every refresh, and several processes share sessions without redis: two of them ' +
        'can spend the same one, which ends the session. Configure redis.url, or refresh.providerLeeway if the provider has one.',
    });
  }
}
