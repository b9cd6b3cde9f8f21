import type { IdentityProvider, RefreshOutcome, RefreshRequest } from '../../src/oidc/identity-provider.ts';
import { CoordinatedSessionHead } from '../../src/session/coordinated-session-head.ts';
import { MemorySessionHead } from '../../src/session/memory-session-head.ts';
import type { SessionLookup } from '../../src/session/session-lookup.ts';
import { SessionResolver } from '../../src/session/session-resolver.ts';
import type { Ticket } from '../../src/session/session.ts';
import { UnsharedWords } from '../../src/session/unshared-words.ts';
import type { Freshness } from '../../src/tokens/freshness.ts';
import { TokenRefresher } from '../../src/tokens/token-refresher.ts';
import { MINUTE, noAnswer, notSent, RefreshWorld, SECOND } from '../unit/tokens/refresh-world.ts';
import { FakeProvider } from './fake-provider.ts';
import { SeededRandom } from './random.ts';
import { RemoteHead, SharedStore } from './remote-heads.ts';

/** What may happen besides requests: nothing but trouble at the provider, a store that goes away, or processes that are killed. */
export type Weather = 'calm' | 'store-outages' | 'kills';

export interface Verdict {
  /** What must never happen, in words. */
  readonly wrong: string[];
  /** Answers by their kind. */
  readonly seen: Record<string, number>;
  readonly grants: number;
  /** Requests whose older cookie was answered with a newer token. */
  readonly healed: number;
}

interface Browser {
  readonly sub: string;
  /** The tickets it ever had, the newest last: any of the last ones may come again. */
  readonly tickets: Ticket[];
}

interface Replica {
  readonly remote: RemoteHead;
  readonly head: CoordinatedSessionHead;
  readonly resolver: SessionResolver;
  readonly refresher: TokenRefresher;
}

const SURE_FOR = 105 * SECOND;
const TIMES = { idle: 30 * MINUTE, handover: MINUTE, confirmAfter: 45 * SECOND };
const LIFETIME = 20 * SECOND;
const TROUBLE: readonly RefreshOutcome[] = [notSent, noAnswer, { kind: 'throttled', retryAfter: 2 }];
const STEPS = 40;

/** Two users with a browser each, two replicas with one shared store, and a provider without any leeway: one random course of events. */
export class Interleaving {
  readonly #random: SeededRandom;
  readonly #weather: Weather;
  readonly #world = new RefreshWorld({ breaker: { failures: 1000, pause: SECOND }, early: 8 * SECOND });
  readonly #store: SharedStore;
  readonly #replicas: Replica[];
  readonly #browsers: readonly Browser[];
  readonly #requests: Promise<void>[] = [];
  readonly #newest = new Map<string, number>();
  readonly #wrong: string[] = [];
  readonly #seen: Record<string, number> = {};
  #healed = 0;

  constructor(seed: number, weather: Weather) {
    this.#random = new SeededRandom(seed);
    this.#weather = weather;
    const { clock, provider } = this.#world;
    this.#store = new SharedStore(new MemorySessionHead({ clock, ...TIMES, memory: 1 << 20 }));
    this.#replicas = [this.#replica(), this.#replica()];
    provider.lifetime = LIFETIME;
    this.#browsers = ['alice', 'bob'].map((sub) => {
      const session = this.#world.login(sub, { accessTokenExpiresAt: clock.now() + LIFETIME });
      return { sub, tickets: [{ value: JSON.stringify({ save: 0, session }), session }] };
    });
  }

  async run(): Promise<Verdict> {
    for (let step = 0; step < STEPS; step++) {
      await this.#step();
      this.#watch();
    }
    await this.#calmDown();
    const { provider } = this.#world;
    if (provider.refreshes.some(({ refreshToken, sub }) => !refreshToken.startsWith(`rt:${sub}:`))) this.#wrong.push('a token crossed');
    // Nobody can know of a token that was sent in the very moment in which the store went away.
    if (provider.reuses > 0 && this.#store.unheard === 0) this.#wrong.push('a spent refresh token was sent');
    const grants = this.#world.store.saved.length;
    return { wrong: this.#wrong, seen: this.#seen, grants, healed: this.#healed };
  }

  /** The provider as a replica reaches it: it takes its time, and never longer than the one that asks would wait. */
  #providerOf(remote: RemoteHead): IdentityProvider {
    const { provider, clock } = this.#world;
    const refresh = async (request: RefreshRequest): Promise<RefreshOutcome> => {
      if (remote.dead) return new Promise(() => undefined);
      for (const longest of [200, 2 * SECOND])
        await new Promise<void>((resolve) => void clock.after(this.#random.integer(longest), resolve));
      return provider.refresh(request);
    };
    return Object.assign(new FakeProvider(clock), { refresh });
  }

  async #step(): Promise<void> {
    const { provider, clock } = this.#world;
    const kind = this.#random.integer(12);
    if (kind < 4) await clock.advance(this.#random.integer(this.#random.chance(4) ? 12 * SECOND : 1500));
    else if (kind === 5 && this.#random.chance(3)) provider.script(this.#random.pick(TROUBLE));
    else if (kind === 6) this.#misfortune();
    else this.#request(this.#random.pick(this.#browsers));
  }

  #misfortune(): void {
    if (this.#weather === 'store-outages') this.#setStore(!this.#store.down);
    if (this.#weather !== 'kills' || !this.#random.chance(3)) return;
    const at = this.#random.integer(this.#replicas.length);
    const killed = this.#replicas[at];
    if (killed !== undefined) killed.remote.dead = true;
    this.#replicas[at] = this.#replica();
  }

  #setStore(down: boolean): void {
    this.#store.down = down;
    if (!down) for (const { head } of this.#replicas) void head.storeIsBack();
  }

  #request(browser: Browser): void {
    const back = this.#random.chance(3) ? this.#random.integer(3) : 0;
    const ticket = browser.tickets.at(-1 - Math.min(back, browser.tickets.length - 1));
    if (ticket !== undefined) this.#requests.push(this.#serve(browser, ticket, this.#random.pick(this.#replicas)));
  }

  async #serve(browser: Browser, presented: Ticket, replica: Replica): Promise<void> {
    const { resolver, refresher, remote } = replica;
    const forced = this.#random.chance(8);
    const lost = this.#random.chance(6);
    const lookup = await resolver.resolve({ candidates: [presented.value], names: ['session'] });
    if (lookup.kind !== 'active') {
      this.#note(lookup);
      return;
    }
    const answer = await (forced ? refresher.refreshNow(lookup) : refresher.fresh(lookup));
    if (remote.dead) return;
    if (answer.kind === 'no-refresh-token') return void this.#wrong.push('a refresh token was lost');
    this.#note(answer);
    if (answer.kind === 'usable') this.#got(browser, presented, answer, lost ? undefined : (answer.taken ?? lookup.taken)?.ticket);
  }

  #got(browser: Browser, presented: Ticket, { session }: Extract<Freshness, { kind: 'usable' }>, ticket: Ticket | undefined): void {
    if (session.sub !== browser.sub || !session.accessToken.startsWith(`at:${browser.sub}:`)) this.#wrong.push('a token crossed');
    if (session.generation < presented.session.generation) this.#wrong.push('a generation went backwards');
    if (session.accessTokenExpiresAt <= this.#world.clock.now()) this.#wrong.push('a token that is over was used');
    if (session.generation > presented.session.generation) this.#healed++;
    if (ticket === undefined) return;
    if (ticket.session.sub !== browser.sub) this.#wrong.push('a ticket crossed');
    if (ticket.session.generation > (browser.tickets.at(-1)?.session.generation ?? 0)) browser.tickets.push(ticket);
  }

  #note({ kind, ...more }: SessionLookup | Freshness): void {
    const word = kind === 'rejected' && 'reason' in more ? `${kind} ${more.reason}` : kind;
    this.#seen[word] = (this.#seen[word] ?? 0) + 1;
  }

  /** What anybody knows of the newest generation only ever grows. */
  #watch(): void {
    const everybody = [this.#store.heads, ...this.#replicas.map(({ head }) => head)];
    everybody.forEach((head, place) => {
      for (const { sub } of this.#browsers) {
        const generation = head.newest(`sid-${sub}`)?.generation ?? 0;
        const name = `${sub}@${String(place)}`;
        // A new process begins with what the store tells it.
        if (place === 0 || this.#weather !== 'kills') {
          if (generation < (this.#newest.get(name) ?? 0)) this.#wrong.push('a generation went backwards');
        }
        this.#newest.set(name, generation);
      }
    });
  }

  /** Everything comes to its end, and everybody asks once more, with each of the cookies that may still come. */
  async #calmDown(): Promise<void> {
    const { clock } = this.#world;
    this.#setStore(false);
    await clock.advance(60 * SECOND);
    this.#watch();
    for (const browser of this.#browsers) {
      for (const ticket of [...browser.tickets.slice(-3), ...browser.tickets.slice(-1)]) {
        for (const replica of this.#replicas) this.#requests.push(this.#serve(browser, ticket, replica));
      }
    }
    await clock.advance(60 * SECOND);
    this.#watch();
    const all = Promise.all(this.#requests).then(() => 'all answered');
    if (this.#weather !== 'kills' && (await Promise.race([all, clock.advance(1).then(() => 'some are not')])) !== 'all answered') {
      this.#wrong.push('a request was never answered');
    }
  }

  #replica(): Replica {
    const { clock, store, revocations, logger, policy } = this.#world;
    const delay = (): number => (this.#random.chance(3) ? this.#random.integer(200) : 0);
    const remote = new RemoteHead({ store: this.#store, clock, delay });
    const local = new MemorySessionHead({ clock, ...TIMES, memory: 1 << 20 });
    const unshared = new UnsharedWords({ shared: remote, clock, timer: clock, logger });
    const head = new CoordinatedSessionHead({
      shared: remote,
      local,
      unshared,
      mayGoOnAlone: () => false,
      logger,
      clock,
      sureFor: SURE_FOR,
    });
    const resolver = new SessionResolver({ store, heads: head, revocations, clock, logger, ...TIMES });
    const refresher = new TokenRefresher({
      ...{
        provider: this.#providerOf(remote),
        store,
        head,
        heads: head,
        revocations,
        clock,
        timer: clock,
        logger,
        policy,
        providerTimeout: 5 * SECOND,
      },
    });
    return { remote, head, resolver, refresher };
  }
}
