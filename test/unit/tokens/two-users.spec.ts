import { describe, expect, it } from '@jest/globals';

import type { RefreshOutcome } from '../../../src/oidc/identity-provider.ts';
import type { Freshness } from '../../../src/tokens/freshness.ts';
import type { Session } from '../../../src/session/session.ts';
import { noAnswer, notSent, RefreshWorld, SECOND } from './refresh-world.ts';

/** A small seeded generator (mulberry32), so that a failure can be run again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface Browser {
  readonly sub: string;
  /** The cookies it ever had, the newest last: any of them may come again. */
  readonly cookies: Session[];
}

const TROUBLE: readonly RefreshOutcome[] = [notSent, noAnswer, { kind: 'throttled', retryAfter: 2 }];

class Steps {
  readonly world = new RefreshWorld({ breaker: { failures: 1000, pause: SECOND }, providerLeeway: 0 });
  readonly browsers: readonly Browser[] = ['alice', 'bob'].map((sub) => ({ sub, cookies: [this.#login(sub)] }));
  readonly pick: (below: number) => number;
  readonly answers: Promise<void>[] = [];
  readonly foreign: string[] = [];
  readonly seen = { usable: 0, taken: 0, unavailable: 0, rejected: 0 };

  constructor(seed: number) {
    this.pick = random(seed);
    this.world.provider.lifetime = 20 * SECOND;
  }

  #login(sub: string): Session {
    return this.world.login(sub, { accessTokenExpiresAt: this.world.clock.now() + 20 * SECOND });
  }

  async step(): Promise<void> {
    const { world, pick } = this;
    const kind = pick(10);
    if (kind === 0) await world.clock.advance(pick(8 * SECOND));
    if (kind === 1) world.provider.hold();
    if (kind === 2) world.provider.answer();
    if (kind === 3 && pick(4) === 0) world.provider.script(TROUBLE[pick(TROUBLE.length)] ?? notSent);
    if (kind > 3) this.#request(this.browsers[pick(2)] ?? { sub: '', cookies: [] });
  }

  async end(): Promise<void> {
    this.world.provider.answer();
    await this.world.clock.advance(60 * SECOND);
    await Promise.all(this.answers);
  }

  #request(browser: Browser): void {
    const old = this.pick(3) === 0 ? this.pick(Math.min(2, browser.cookies.length)) : 0;
    const cookie = browser.cookies.at(-1 - old);
    if (cookie === undefined) return;
    const active = this.world.present(cookie);
    const asked = this.pick(8) === 0 ? this.world.refresher.refreshNow(active) : this.world.refresher.fresh(active);
    this.answers.push(
      Promise.resolve(asked).then((answer) => (answer.kind === 'no-refresh-token' ? undefined : this.#got(browser, answer))),
    );
  }

  #got(browser: Browser, answer: Freshness): void {
    this.seen[answer.kind]++;
    if (answer.kind !== 'usable') return;
    const ticket = answer.taken?.ticket;
    const text = JSON.stringify([answer.session, ticket]);
    if (this.browsers.some(({ sub }) => sub !== browser.sub && text.includes(sub))) this.foreign.push(text);
    if (ticket === undefined) return;
    this.seen.taken++;
    if (ticket.session.generation > (browser.cookies.at(-1)?.generation ?? 0)) browser.cookies.push(ticket.session);
  }
}

describe('two users whose requests mix', () => {
  it.each([1, 2, 3, 4, 5])('never get each other’s tokens in 1,000 random steps (seed %i)', async (seed) => {
    const steps = new Steps(seed);
    for (let i = 0; i < 1000; i++) await steps.step();
    await steps.end();
    expect(steps.foreign).toEqual([]);
    expect(steps.seen.usable).toBeGreaterThan(100);
    expect(steps.seen.taken).toBeGreaterThan(10);
    expect(steps.seen.unavailable).toBeGreaterThan(0);
    expect(steps.world.provider.refreshes.every(({ refreshToken, sub }) => refreshToken.startsWith(`rt:${sub}:`))).toBe(true);
    // No answer was lost in these steps (a scripted failure spends nothing), so no refresh token may ever be spent twice.
    expect(steps.world.provider.reuses).toBe(0);
    expect(steps.seen.rejected).toBe(0);
  });
});
