import type { Revocation } from '../session/revocations.ts';
import type { Session } from '../session/session.ts';

interface Owner {
  readonly session: Pick<Session, 'sid' | 'sub' | 'providerSid' | 'idTokenIssuedAt'>;
  readonly entries: Set<string>;
}

/** Which entries of a cache belong to which session, found by any name that a revocation may have for it. */
export class SessionEntries {
  readonly #owners = new Map<string, Owner>();
  readonly #ownerOf = new Map<string, Owner>();
  readonly #named = new Map<string, Set<Owner>>();

  add({ sid, sub, providerSid, idTokenIssuedAt }: Session, entry: string): void {
    const session = { sid, sub, idTokenIssuedAt, ...(providerSid === undefined ? {} : { providerSid }) };
    const owner = this.#owners.get(sid) ?? { session, entries: new Set() };
    owner.entries.add(entry);
    this.#ownerOf.set(entry, owner);
    if (this.#owners.has(sid)) return;
    this.#owners.set(sid, owner);
    for (const name of namesOf(session)) this.#named.set(name, (this.#named.get(name) ?? new Set()).add(owner));
  }

  remove(entry: string): void {
    const owner = this.#ownerOf.get(entry);
    if (owner === undefined) return;
    this.#ownerOf.delete(entry);
    owner.entries.delete(entry);
    if (owner.entries.size > 0) return;
    this.#owners.delete(owner.session.sid);
    for (const name of namesOf(owner.session)) this.#unname(name, owner);
  }

  /** The entries of all sessions that a revocation ends. */
  named({ sid, providerSid, sub, issuedAt = Infinity }: Revocation): readonly string[] {
    const own = sid === undefined ? undefined : this.#owners.get(sid);
    const others = namesOf({ providerSid, sub }).flatMap((name) => [...(this.#named.get(name) ?? [])]);
    const ended = others.filter(({ session }) => session.idTokenIssuedAt <= issuedAt);
    return [...(own === undefined ? [] : [own]), ...ended].flatMap(({ entries }) => [...entries]);
  }

  #unname(name: string, owner: Owner): void {
    const owners = this.#named.get(name);
    owners?.delete(owner);
    if (owners?.size === 0) this.#named.delete(name);
  }
}

function namesOf({
  sub,
  providerSid,
}: {
  readonly sub?: string | undefined;
  readonly providerSid?: string | undefined;
}): readonly string[] {
  return [...(sub === undefined ? [] : [`sub ${sub}`]), ...(providerSid === undefined ? [] : [`provider ${providerSid}`])];
}
