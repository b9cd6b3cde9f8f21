import type { Endpoint } from './endpoints.ts';

/** One request to the token endpoint, recorded when its fate was decided. */
export interface TokenRequestRecord {
  readonly grantType: string;
  /** Names of the body's parameters, in order. */
  readonly params: readonly string[];
  readonly scope: string | undefined;
  readonly redirectUri: string | undefined;
  readonly clientAuth: 'client_secret_basic' | 'client_secret_post' | 'none';
  /** 0 when the provider gave no answer (hung up or never spoke). */
  readonly status: number;
  /** OAuth error code of the answer. */
  readonly error: string | undefined;
}

/** One access token that was given out, and what for. Tokens as fingerprints, the same as the demo's API tells. */
export interface IssuedToken {
  readonly fingerprint: string;
  readonly grantType: string;
  readonly resource: string | undefined;
  readonly audience: string | undefined;
  readonly scope: string | undefined;
  /** Of a token exchange: the token that was given in. */
  readonly subject: string | undefined;
}

export interface RevocationRecord {
  readonly tokenTypeHint: string | undefined;
  readonly clientAuth: TokenRequestRecord['clientAuth'];
  readonly status: number;
}

/** What the provider saw. Arrays grow in order of arrival; read them, and `reset` between steps of a test. */
export class ProviderStats {
  /** Successful answers of the token endpoint by grant type. */
  readonly grants: Record<string, number> = {};
  readonly tokenRequests: TokenRequestRecord[] = [];
  readonly issued: IssuedToken[] = [];
  /** Query parameters of each authorization request. */
  readonly authorizations: Readonly<Record<string, string>>[] = [];
  readonly revocations: RevocationRecord[] = [];
  /** Query parameters of each end-session request. */
  readonly endSessions: Readonly<Record<string, string>>[] = [];
  /** Hits by endpoint, answered or not. */
  readonly hits: Partial<Record<Endpoint, number>> = {};
  /** Bugs of the provider itself: always empty when all is well. */
  readonly serverErrors: string[] = [];

  get refreshes(): number {
    return this.grants['refresh_token'] ?? 0;
  }

  countHit(endpoint: Endpoint): void {
    this.hits[endpoint] = (this.hits[endpoint] ?? 0) + 1;
  }

  recordTokenRequest(record: TokenRequestRecord): void {
    this.tokenRequests.push(record);
    if (record.status === 200) this.grants[record.grantType] = (this.grants[record.grantType] ?? 0) + 1;
  }

  reset(): void {
    for (const list of [this.tokenRequests, this.issued, this.authorizations, this.revocations, this.endSessions, this.serverErrors])
      list.length = 0;
    for (const counts of [this.grants, this.hits]) for (const key of Object.keys(counts)) Reflect.deleteProperty(counts, key);
  }
}
