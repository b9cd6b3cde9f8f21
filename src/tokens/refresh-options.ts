/** How access tokens are renewed: the configuration's `refresh` section, as far as this room needs it. Durations in milliseconds. */
export interface RefreshOptions {
  /** How long before its end a token is renewed; capped at a third of its lifetime, minus up to 10 % of jitter. */
  readonly early: number;
  /** How long the request that triggers an early refresh waits for it. */
  readonly earlyWait: number;
  /** For how long the provider accepts a spent refresh token again. 0: never. */
  readonly providerLeeway: number;
  /** The longest a request waits for a refresh, its own or somebody else's. */
  readonly wait: number;
  /** Within this time after a refresh, nobody can ask for the next one. */
  readonly cooldown: number;
  /** Grants at once in this process. */
  readonly maxInFlight: number;
  /** OAuth error codes (RFC 6749 §5.2) that end a session at once. */
  readonly fatalErrors: readonly string[];
  readonly breaker: BreakerOptions;
}

/** After `failures` failed grants in a row nobody asks the provider for `pause` milliseconds. */
export interface BreakerOptions {
  readonly failures: number;
  readonly pause: number;
}
