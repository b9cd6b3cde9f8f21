import { describe, expect, it } from '@jest/globals';
import type { Session } from '../../../src/session/session.ts';
import { AudienceTokens } from '../../../src/tokens/audience-tokens.ts';
import { routeTokenPolicy, type RouteTokenPolicy } from '../../../src/tokens/route-policy.ts';
import type { RouteToken } from '../../../src/tokens/route-token.ts';
import { SealedTokens } from '../../../src/tokens/sealed-tokens.ts';
import { SeededRandom } from '../../support/random.ts';
import { refused, RefreshWorld, SECOND } from './refresh-world.ts';

type Policy = Extract<RouteTokenPolicy, { kind: 'audience' }>;
const POLICIES = ['urn:orders', 'urn:billing', 'urn:third'].flatMap((resource): Policy[] => {
  const policy = routeTokenPolicy({ token: 'user', resource });
  return policy?.kind === 'audience' ? [policy] : [];
});
const LIFETIME = 20 * SECOND;

interface Browser {
  readonly sub: string;
  /** The cookies it ever had, the newest last: any of them may come again. */
  readonly cookies: Session[];
}

/** Two processes, two users, three audiences and the sessions' own tokens, in any order. */
class Steps {
  readonly world = new RefreshWorld({ breaker: { failures: 1000, pause: SECOND } });
  readonly seen = { usable: 0, refused: 0, unavailable: 0, rejected: 0 };
  readonly foreign: string[] = [];
  readonly #random: SeededRandom;
  readonly #browsers: readonly Browser[];
  readonly #processes;
  readonly #answers: Promise<void>[] = [];

  constructor(seed: number) {
    const { world } = this;
    const { clock, logger, policy, revocations } = world;
    this.#random = new SeededRandom(seed);
    world.provider.lifetime = LIFETIME;
    const login = (sub: string): Session => world.login(sub, { accessTokenExpiresAt: clock.now() + LIFETIME });
    this.#browsers = ['alice', 'bob'].map((sub) => ({ sub, cookies: [login(sub)] }));
    this.#processes = [world.refresher, world.replica()].map((refresher) => {
      const kept = new SealedTokens({ clock, revocations, memory: 1 << 20 });
      return { refresher, audiences: new AudienceTokens({ ...policy, refresher, kept, clock, timer: clock, logger }) };
    });
  }

  async run(steps: number): Promise<void> {
    for (let n = 0; n < steps; n++) await this.#step();
    this.world.provider.answer();
    await this.world.clock.advance(60 * SECOND);
    await Promise.all(this.#answers);
  }

  async #step(): Promise<void> {
    const { world } = this;
    const kind = this.#random.integer(10);
    if (kind === 0) {
      // No call to a real provider outlasts the lease of its refresh token.
      world.provider.answer();
      await world.clock.advance(this.#random.integer(8 * SECOND));
    } else if (kind === 1) world.provider.hold();
    else if (kind === 2) world.provider.answer();
    else if (kind === 3 && this.#random.chance(6)) world.provider.script(refused('invalid_target'));
    else this.#answers.push(this.#request(this.#random.pick(this.#browsers)));
  }

  async #request({ sub, cookies }: Browser): Promise<void> {
    const process = this.#random.pick(this.#processes);
    const active = this.world.present(this.#random.pick(cookies));
    const policy = this.#random.chance(4) ? undefined : this.#random.pick(POLICIES);
    const token: RouteToken = await (policy === undefined ? process.refresher.fresh(active) : process.audiences.of(policy, active, true));
    this.seen[token.kind]++;
    if (token.kind !== 'usable') return;
    const { session, taken, accessToken = session.accessToken } = token;
    if (taken !== undefined) cookies.push(taken.ticket.session);
    const isTheirs = accessToken.startsWith(`at:${sub}:`) && session.sub === sub && session.generation >= active.session.generation;
    const isOver = policy === undefined && session.accessTokenExpiresAt <= this.world.clock.now() && taken !== undefined;
    if (!isTheirs || isOver) this.foreign.push(`${sub}: ${accessToken}`);
  }
}

describe('two users, three audiences and two processes', () => {
  it('never cross, never go backwards and never spend a refresh token twice, in 300 random interleavings', async () => {
    const total = { usable: 0, refused: 0, unavailable: 0, rejected: 0 };
    let refreshes = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const steps = new Steps(seed);
      await steps.run(60);
      expect([seed, steps.foreign, steps.world.provider.reuses]).toEqual([seed, [], 0]);
      for (const kind of ['usable', 'refused', 'unavailable', 'rejected'] as const) total[kind] += steps.seen[kind];
      refreshes += steps.world.provider.refreshes.length;
    }
    expect(refreshes).toBeGreaterThan(2_000);
    expect(total.usable).toBeGreaterThan(5_000);
    expect(total.refused).toBeGreaterThan(50);
    expect(total.rejected).toBe(0);
  });
});
