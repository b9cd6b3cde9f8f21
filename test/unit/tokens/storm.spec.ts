import { describe, expect, it } from '@jest/globals';

import type { Freshness } from '../../../src/tokens/freshness.ts';
import type { Session } from '../../../src/session/session.ts';
import { SeededRandom } from '../../support/random.ts';
import { MINUTE, RefreshWorld, SECOND } from './refresh-world.ts';

const SESSIONS = 2000;
const EXPIRE_WITHIN = 5 * SECOND;
const GRANTS_A_SECOND = 50;
const GRANT_TAKES = 20;
const LOOK_EVERY = 100;

/** What the provider went through. */
interface Burden {
  granted: number;
  throttled: number;
  atOnce: number;
}

/** Makes the world's provider take its time, and grant no more than so many in any second (a bucket that fills steadily). */
function limit(world: RefreshWorld, named: boolean): Burden {
  const burden: Burden = { granted: 0, throttled: 0, atOnce: 0 };
  const grant = world.provider.refresh.bind(world.provider);
  let [left, filledAt, running] = [GRANTS_A_SECOND, world.clock.now(), 0];
  world.provider.refresh = async (request) => {
    burden.atOnce = Math.max(burden.atOnce, ++running);
    await new Promise<void>((resolve) => void world.clock.after(GRANT_TAKES, resolve));
    running--;
    const now = world.clock.now();
    left = Math.min(GRANTS_A_SECOND, left + ((now - filledAt) * GRANTS_A_SECOND) / SECOND);
    filledAt = now;
    if (left < 1) {
      burden.throttled++;
      return named ? { kind: 'throttled', retryAfter: 1 } : { kind: 'throttled', retryAfter: 5, assumed: true };
    }
    left--;
    burden.granted++;
    return grant(request);
  };
  return burden;
}

/** A page that asks again and again until it is served, as often as it is told to. */
class Page {
  readonly answers: Freshness[] = [];
  readonly #world: RefreshWorld;
  readonly #session: Session;

  constructor(world: RefreshWorld, session: Session) {
    this.#world = world;
    this.#session = session;
  }

  get served(): Session | undefined {
    const last = this.answers.at(-1);
    return last?.kind === 'usable' ? last.session : undefined;
  }

  async ask(): Promise<void> {
    const answer = await this.#world.request(this.#session);
    this.answers.push(answer);
    if (answer.kind === 'unavailable') this.#world.clock.after(answer.retryAfter * SECOND, () => void this.ask());
  }
}

/** Users whose token is still good: some of them in the window of an early refresh. Each look must be answered without waiting. */
class Bystanders {
  looks = 0;
  readonly kept: unknown[] = [];
  readonly #world: RefreshWorld;
  readonly #sessions: readonly Session[];

  constructor(world: RefreshWorld) {
    this.#world = world;
    const now = world.clock.now();
    const ends = [10 * MINUTE, 10 * MINUTE, 3 * MINUTE];
    this.#sessions = ends.map((left, n) =>
      world.login(`bystander-${String(n)}`, { accessTokenExpiresAt: now + left, refreshedAt: now - 10 * MINUTE }),
    );
  }

  look(): void {
    const refresher = this.#world.refresher;
    for (const session of this.#sessions) {
      const answer = refresher.fresh({ session });
      this.looks++;
      if (answer instanceof Promise || answer.kind !== 'usable' || answer.session !== session) this.kept.push(answer);
    }
  }
}

async function storm(
  named: boolean,
): Promise<{ world: RefreshWorld; burden: Burden; pages: Page[]; bystanders: Bystanders; took: number }> {
  const world = new RefreshWorld({ early: 5 * MINUTE });
  const random = new SeededRandom(2000);
  const sessions = Array.from({ length: SESSIONS }, (_, n) => world.login(`user-${String(n)}`));
  await world.expired('last');
  const burden = limit(world, named);
  const pages = sessions.map((session) => new Page(world, session));
  for (const page of pages) world.clock.after(random.integer(EXPIRE_WITHIN), () => void page.ask());
  const began = world.clock.now();
  await world.clock.advance(EXPIRE_WITHIN / 5);
  const bystanders = new Bystanders(world);
  while (pages.some(({ served }) => served === undefined)) {
    await world.clock.advance(LOOK_EVERY);
    if (burden.granted < SESSIONS - 200) bystanders.look();
    if (world.clock.now() - began > 10 * MINUTE) break;
  }
  return { world, burden, pages, bystanders, took: (world.clock.now() - began) / SECOND };
}

describe('two thousand sessions that expire in the same five seconds, at a provider that grants fifty a second', () => {
  it.each([
    ['names the time to wait', true, 60],
    ['names none', false, 90],
  ])('are all renewed, and nobody with a good token waits for them: it %s', async (_, named, longest) => {
    const { world, burden, pages, bystanders, took } = await storm(named);
    // No session is lost: every page ends with a new token of its own user, and no refresh token was used twice.
    expect(pages.map(({ served }) => served?.accessToken)).toEqual(pages.map((__, n) => `at:user-${String(n)}:2`));
    expect(pages.flatMap(({ answers }) => answers).filter(({ kind }) => kind === 'rejected')).toEqual([]);
    expect([world.provider.reuses, world.revocations.size, burden.granted]).toEqual([0, 0, SESSIONS]);
    // The provider could not have been quicker than forty seconds, and was not asked much more often than it could bear.
    expect(took).toBeGreaterThan(38);
    expect(took).toBeLessThan(longest);
    expect(burden.throttled).toBeLessThan(SESSIONS / 5);
    expect(burden.atOnce).toBeLessThanOrEqual(50);
    // A token that is good is used at once: not even a promise stands between.
    expect(bystanders.looks).toBeGreaterThan(900);
    expect(bystanders.kept).toEqual([]);
    expect(world.logger.of('provider_circuit_opened')).toEqual([]);
    await world.refresher.idle();
    expect(world.refresher.fresh({ session: world.login('late') })).toMatchObject({ kind: 'usable' });
  });
});
