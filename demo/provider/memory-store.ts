import type { Adapter, AdapterPayload } from 'oidc-provider';

/**
 * What the provider remembers: sessions, grants and tokens, in memory, one store per started provider.
 * oidc-provider judges expiry itself, so nothing is forgotten here before it is revoked.
 */
export class MemoryStore {
  readonly #records = new Map<string, AdapterPayload>();
  readonly #byGrant = new Map<string, Set<string>>();
  /** When one-time tokens were spent. Milliseconds. */
  readonly #consumedAt = new Map<string, number>();
  readonly #leeway: () => number;

  /** `leeway`: seconds for which a spent refresh token is still as good as new. */
  constructor(leeway: () => number = () => 0) {
    this.#leeway = leeway;
  }

  adapter(model: string): Adapter {
    const key = (id: string): string => `${model}:${id}`;
    const find = (id: string): Promise<AdapterPayload | undefined> => Promise.resolve(this.#read(key(id)));
    return {
      find,
      findByUid: (uid) => Promise.resolve(this.#find(model, (payload) => payload.uid === uid)),
      findByUserCode: (code) => Promise.resolve(this.#find(model, (payload) => payload.userCode === code)),
      upsert: (id, payload) => {
        this.#save(key(id), payload);
        return Promise.resolve();
      },
      destroy: (id) => {
        this.#remove(key(id));
        return Promise.resolve();
      },
      consume: (id) => {
        this.#consume(key(id));
        return Promise.resolve();
      },
      revokeByGrantId: (grantId) => {
        this.#removeMembers(grantId, `${model}:`);
        return Promise.resolve();
      },
    };
  }

  /** Ends a grant with every token under it, as a provider does at logout or when an administrator steps in. */
  revokeGrant(grantId: string): void {
    this.#removeMembers(grantId, '');
    this.#remove(`Grant:${grantId}`);
  }

  /** The grants of one user. */
  grantsOf(accountId: string): string[] {
    return this.#keys('Grant:', (payload) => payload.accountId === accountId);
  }

  /** Refresh tokens of one user that would still be accepted. */
  liveRefreshTokens(accountId: string): string[] {
    return this.#keys('RefreshToken:', (payload, key) => payload.accountId === accountId && !this.#isSpent(key));
  }

  #keys(prefix: string, accepts: (payload: AdapterPayload, key: string) => boolean): string[] {
    const matching = [...this.#records].filter(([key, payload]) => key.startsWith(prefix) && accepts(payload, key));
    return matching.map(([key]) => key.slice(prefix.length));
  }

  #read(key: string): AdapterPayload | undefined {
    const payload = this.#records.get(key);
    if (payload === undefined || !this.#isSpent(key)) return payload;
    return { ...payload, consumed: true };
  }

  #consume(key: string): void {
    if (this.#records.has(key) && !this.#consumedAt.has(key)) this.#consumedAt.set(key, Date.now());
  }

  #isSpent(key: string): boolean {
    const at = this.#consumedAt.get(key);
    if (at === undefined) return false;
    return !key.startsWith('RefreshToken:') || Date.now() - at >= this.#leeway() * 1000;
  }

  #find(model: string, accepts: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    for (const [key, payload] of this.#records) if (key.startsWith(`${model}:`) && accepts(payload)) return payload;
    return undefined;
  }

  #save(key: string, payload: AdapterPayload): void {
    this.#records.set(key, payload);
    if (payload.grantId === undefined) return;
    const members = this.#byGrant.get(payload.grantId) ?? new Set();
    this.#byGrant.set(payload.grantId, members.add(key));
  }

  #remove(key: string): void {
    const grantId = this.#records.get(key)?.grantId;
    if (grantId !== undefined) this.#byGrant.get(grantId)?.delete(key);
    this.#records.delete(key);
    this.#consumedAt.delete(key);
  }

  #removeMembers(grantId: string, prefix: string): void {
    for (const key of this.#byGrant.get(grantId) ?? []) if (key.startsWith(prefix)) this.#remove(key);
  }
}
