import { hash } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import type { Revocation, Revocations } from '../session/revocations.ts';
import type { Session } from '../session/session.ts';
import { SlowSweep } from '../session/slow-sweep.ts';
import type { HeldToken } from './held-token.ts';
import { SessionEntries } from './session-entries.ts';
import { TokenSeal } from './token-seal.ts';

export interface SealedTokensOptions {
  readonly clock: Clock;
  readonly revocations: Pick<Revocations, 'onAdded'>;
  /** Bytes, estimated. */
  readonly memory: number;
}

interface Entry {
  readonly sealed: Buffer;
  readonly grantedAt: number;
  readonly usableUntil: number;
}

const ENTRY_OVERHEAD = 600;

/**
 * Access tokens of sessions besides their own, within a bound of bytes: the oldest go first. They are sealed (AES-256-GCM) with a key
 * that this process made for itself, and found by a hash: no token lies in memory in the clear for longer than its request. All of a
 * session go when it is revoked; others when they are over.
 */
export class SealedTokens {
  readonly #options: SealedTokensOptions;
  readonly #seal = new TokenSeal();
  readonly #entries = new Map<string, Entry>();
  readonly #sweep = new SlowSweep(this.#entries);
  readonly #bySession = new SessionEntries();
  #bytes = 0;

  constructor(options: SealedTokensOptions) {
    this.#options = options;
    options.revocations.onAdded((revocation) => this.#revoked(revocation));
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** `name` says which of the session's tokens. */
  get(session: Session, name: string): HeldToken | undefined {
    const id = idOf(session, name);
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const { grantedAt, usableUntil } = entry;
    if (this.#options.clock.now() < usableUntil) return { accessToken: this.#seal.open(id, entry.sealed), grantedAt, usableUntil };
    this.#drop(id);
    return undefined;
  }

  /** Not beyond the session's absolute limit. */
  set(session: Session, name: string, { accessToken, grantedAt, usableUntil }: HeldToken): void {
    const id = idOf(session, name);
    const now = this.#options.clock.now();
    this.#drop(id);
    this.#sweep.step(
      (entry) => now >= entry.usableUntil,
      (dead) => this.#drop(dead),
    );
    const entry = { sealed: this.#seal.seal(id, accessToken), grantedAt, usableUntil: Math.min(usableUntil, session.endsAt) };
    this.#entries.set(id, entry);
    this.#bySession.add(session, id);
    this.#bytes += bytesOf(entry);
    while (this.#bytes > this.#options.memory && this.#dropOldest());
  }

  #revoked(revocation: Revocation): void {
    for (const id of this.#bySession.named(revocation)) this.#drop(id);
  }

  #drop(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#bySession.remove(id);
    this.#bytes -= bytesOf(entry);
  }

  #dropOldest(): boolean {
    for (const oldest of this.#entries.keys()) {
      this.#drop(oldest);
      return true;
    }
    return false;
  }
}

const bytesOf = ({ sealed }: Entry): number => sealed.length + ENTRY_OVERHEAD;

const idOf = ({ sid }: Session, name: string): string => hash('sha256', `${sid}\n${name}`, 'base64url');
