import { createHash, randomBytes } from 'node:crypto';
import { BoundedMap } from '../kernel/bounded-map.ts';
import type { Clock } from '../kernel/clock.ts';
import { StoreUnavailableError } from '../kernel/store-unavailable.ts';
import { BEGUN, CLAIM, CONFIRMED, FORGET, PEEK, PUBLISH, RELEASE, RESTORE, SPENDING } from './redis-head-scripts.ts';
import type { SharedSessionHead } from './coordinated-session-head.ts';
import type { Claim, Claimant, Head } from './session-head.ts';
import { ageSince } from './session-limits.ts';
import { generationKey } from './session.ts';
import type { SharedScript, SharedScripts, ScriptValue } from './shared-scripts.ts';

/** Keeps tickets from whoever can read the store: see TicketWrap. */
export interface TicketWrapping {
  wrap(ticket: string, context: string): string;
  unwrap(wrapped: string, context: string): string | undefined;
}

export interface RedisSessionHeadOptions {
  readonly scripts: SharedScripts;
  readonly wrap: TicketWrapping;
  readonly clock: Clock;
  /** The store's own clock is what replicas share. A process whose clock is moved, in a test or a simulation, has time of its own. */
  readonly time: 'of-store' | 'of-clock';
  /** How long a store that has begun anew gives no lease for a session that it does not know: others may know better. Milliseconds. */
  readonly gatherFor: () => number;
  /** See MemorySessionHead. Milliseconds. */
  readonly handover: number;
  readonly confirmAfter: number;
  readonly idle: number;
}

const MOST_CLAIMS = 20_000;
const RETRY_AFTER_S = 1;

/** The heads that all replicas share. Every method rejects with StoreUnavailableError when the store cannot be asked. */
export class RedisSessionHead implements SharedSessionHead {
  readonly #options: RedisSessionHeadOptions;
  readonly #process = randomBytes(9).toString('base64url');
  /** Who holds each lease of ours: somebody else may take it over, and then it is not ours to give back. */
  readonly #owners = new BoundedMap<string>(MOST_CLAIMS);
  /** Claims without an answer, which may have been granted: the next one is made in the same name. */
  readonly #unanswered = new BoundedMap<string>(MOST_CLAIMS);
  #claims = 0;

  constructor(options: RedisSessionHeadOptions) {
    this.#options = options;
  }

  async claim({ sid, generation, endsAt }: Claimant, leaseMs: number): Promise<Claim> {
    const { clock, handover, confirmAfter, idle, gatherFor } = this.#options;
    const name = generationKey({ sid, generation });
    const owner = this.#unanswered.get(name) ?? `${this.#process}.${String((this.#claims += 1))}`;
    this.#unanswered.delete(name);
    const began = clock.now();
    try {
      const answer = await this.#run(CLAIM, sid, [generation, owner, leaseMs, endsAt, handover, confirmAfter, idle, gatherFor()]);
      const claim = this.#unwrapped(sid, readClaim(answer, began, leaseMs));
      if (claim.kind === 'granted') this.#owners.set(name, owner);
      return claim;
    } catch (error) {
      this.#unanswered.set(name, owner);
      throw error;
    }
  }

  async spending(sid: string, generation: number, leaseMs: number): Promise<boolean> {
    return (await this.#run(SPENDING, sid, [generation, this.#ownerOf(sid, generation), leaseMs])) === 1;
  }

  async publish(sid: string, generation: number, ticket: string, endsAt: number): Promise<boolean> {
    const { wrap, handover, idle } = this.#options;
    const wrapped = wrap.wrap(ticket, generationKey({ sid, generation }));
    return (await this.#run(PUBLISH, sid, [generation, wrapped, markOf(ticket), endsAt, handover, idle])) === 1;
  }

  async restore(sid: string, { generation, ticket, setAt, confirmedAt }: Head, endsAt: number): Promise<void> {
    const { wrap, clock, handover, idle } = this.#options;
    const now = clock.now();
    const wrapped = ticket === undefined ? ['', ''] : [wrap.wrap(ticket, generationKey({ sid, generation })), markOf(ticket)];
    const ages = [ageSince(setAt, now), confirmedAt === undefined ? -1 : ageSince(confirmedAt, now)];
    await this.#run(RESTORE, sid, [generation, ...wrapped, endsAt, handover, idle, ...ages]);
  }

  async confirm(sid: string, generation: number): Promise<void> {
    const { confirmAfter, handover } = this.#options;
    await this.#run(CONFIRMED, sid, [generation, confirmAfter, handover]);
  }

  async release(sid: string, generation: number, doubtful = false): Promise<void> {
    await this.#run(RELEASE, sid, [generation, this.#ownerOf(sid, generation), doubtful ? 1 : 0]);
  }

  async forget(sid: string): Promise<void> {
    await this.#run(FORGET, sid, []);
  }

  async peek(sid: string): Promise<Head | undefined> {
    const { clock, handover, idle } = this.#options;
    const began = clock.now();
    const head = readHead(await this.#run(PEEK, sid, [handover, idle]), began);
    if (head?.ticket === undefined) return head;
    const ticket = this.#options.wrap.unwrap(head.ticket, generationKey({ sid, generation: head.generation }));
    if (ticket === undefined) throw new StoreUnavailableError('unreadable_ticket', true);
    return { ...head, ticket };
  }

  /** Wrapped with a key that this process does not have yet: another one does, and soon this one too. */
  #unwrapped(sid: string, claim: Claim): Claim {
    if (claim.kind !== 'newer') return claim;
    const ticket = this.#options.wrap.unwrap(claim.ticket, generationKey({ sid, generation: claim.generation }));
    return ticket === undefined ? { kind: 'unavailable', retryAfter: RETRY_AFTER_S } : { ...claim, ticket };
  }

  #ownerOf(sid: string, generation: number): string {
    return this.#owners.get(generationKey({ sid, generation })) ?? 'nobody';
  }

  /** Since when the store has known what it knows: another time means that it was emptied. `undefined` where there are several stores. */
  async begun(): Promise<number | undefined> {
    const { scripts } = this.#options;
    if (!scripts.isOneNode) return undefined;
    const answer = await scripts.run(BEGUN, [this.#epochKey], [this.#now()]);
    return typeof answer === 'number' ? answer : undefined;
  }

  get #epochKey(): string {
    return `${this.#options.scripts.keyPrefix}begun`;
  }

  #now(): number {
    const { clock, time } = this.#options;
    return time === 'of-clock' ? clock.now() : OF_STORE;
  }

  #run(script: SharedScript, sid: string, args: readonly (string | number)[]): Promise<ScriptValue> {
    const { scripts } = this.#options;
    const keys = [`${scripts.keyPrefix}head:{${sid}}`, `${scripts.keyPrefix}ticket:{${sid}}`];
    if (script === CLAIM && scripts.isOneNode) keys.push(this.#epochKey);
    return scripts.run(script, keys, [this.#now(), ...args]);
  }
}

const OF_STORE = -1;

const markOf = (ticket: string): string => createHash('sha256').update(ticket).digest('base64url');

const listOf = (answer: ScriptValue): readonly ScriptValue[] => (Array.isArray(answer) ? (answer as readonly ScriptValue[]) : []);

/** Times are told as what is left or has passed, and counted by our own clock: it need not agree with the store's. */
function readClaim(answer: ScriptValue, began: number, leaseMs: number): Claim {
  const [kind, first, second, ...more] = listOf(answer);
  if (kind === 'busy' && typeof first === 'number') return { kind, until: began + first };
  if (kind === 'superseded' && typeof first === 'number') return { kind, generation: first };
  if (kind === 'newer' && typeof first === 'number' && typeof second === 'string') {
    return { kind, generation: first, ticket: second, ...readTimes(more, began) };
  }
  if (kind !== 'granted' || typeof first !== 'number') throw new StoreUnavailableError('unexpected_reply', true);
  const doubt = first < 0 ? {} : { doubt: { since: began - first, abandoned: second === 1 } };
  return { kind, until: began + leaseMs, ...doubt, ...(more[0] === 0 ? { unknown: true } : {}) };
}

function readHead(answer: ScriptValue, began: number): Head | undefined {
  const [generation, setAge, confirmedAge, ticket] = listOf(answer);
  if (generation === undefined) return undefined;
  if (typeof generation !== 'number' || typeof ticket !== 'string') throw new StoreUnavailableError('unexpected_reply', true);
  return { generation, ...readTimes([setAge ?? null, confirmedAge ?? null], began), ...(ticket === '' ? {} : { ticket }) };
}

function readTimes([setAge, confirmedAge]: readonly ScriptValue[], began: number): Pick<Head, 'setAt' | 'confirmedAt'> {
  if (typeof setAge !== 'number' || typeof confirmedAge !== 'number') throw new StoreUnavailableError('unexpected_reply', true);
  return { setAt: began - setAge, ...(confirmedAge < 0 ? {} : { confirmedAt: began - confirmedAge }) };
}
