import type {
  ExchangeOutcome,
  IdentityProvider,
  ProviderUnavailable,
  RefreshOutcome,
  RefreshRequest,
  RevokeOutcome,
} from '../../src/oidc/identity-provider.ts';

type Answer = RefreshOutcome | Error;

export const accessTokenOf = (sub: string, number: number): string => `at:${sub}:${String(number)}`;
export const refreshTokenOf = (sub: string, number: number): string => `rt:${sub}:${String(number)}`;

/**
 * A provider without a network. By itself it grants one-time refresh tokens with zero grace: each is good once, and a second use
 * kills every token of that user. Answers given to `script` come first.
 */
export class FakeProvider implements IdentityProvider {
  readonly issuer = 'https://id.example.com';
  readonly refreshes: RefreshRequest[] = [];
  readonly revoked: string[] = [];
  /** How often a spent refresh token came again. */
  reuses = 0;
  /** The answer carries a new refresh token. */
  rotates = true;
  lifetime = 300_000;
  revokes: () => Promise<RevokeOutcome> = async () => 'revoked';

  readonly #now: () => number;
  readonly #script: Answer[] = [];
  readonly #newest = new Map<string, number>();
  #gate: Promise<void> | undefined;
  #open: () => void = () => undefined;

  constructor(clock: { now(): number }) {
    this.#now = () => clock.now();
  }

  script(...answers: Answer[]): void {
    this.#script.push(...answers);
  }

  /** From now on every answer waits until `answer()`. */
  hold(): void {
    if (this.#gate !== undefined) return;
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  answer(): void {
    this.#gate = undefined;
    this.#open();
  }

  ready(): true {
    return true;
  }

  async refresh(request: RefreshRequest): Promise<RefreshOutcome> {
    this.refreshes.push(request);
    const scripted = this.#script.shift();
    await this.#gate;
    if (scripted instanceof Error) throw scripted;
    return scripted ?? this.#grant(request);
  }

  async revoke(refreshToken: string): Promise<RevokeOutcome> {
    this.revoked.push(refreshToken);
    return this.revokes();
  }

  status(): 'up' {
    return 'up';
  }

  start(): void {}

  async close(): Promise<void> {}

  async authorizationUrl(): Promise<ProviderUnavailable> {
    return { kind: 'unavailable', retryAfter: 1 };
  }

  async exchange(): Promise<ExchangeOutcome> {
    return { kind: 'unavailable', retryAfter: 1, spent: false };
  }

  async passwordLogin(): Promise<ExchangeOutcome> {
    return this.exchange();
  }

  endSessionUrl(): undefined {
    return undefined;
  }

  #grant({ refreshToken, sub }: RefreshRequest): RefreshOutcome {
    const newest = this.#newest.get(sub) ?? 1;
    if (this.rotates && refreshToken !== refreshTokenOf(sub, newest)) {
      this.reuses++;
      this.#newest.set(sub, Number.POSITIVE_INFINITY);
      return { kind: 'refused', error: 'invalid_grant', status: 400 };
    }
    this.#newest.set(sub, newest + 1);
    const tokens = { accessToken: accessTokenOf(sub, newest + 1), accessTokenExpiresAt: this.#now() + this.lifetime };
    return { kind: 'granted', tokens: this.rotates ? { ...tokens, refreshToken: refreshTokenOf(sub, newest + 1) } : tokens };
  }
}
