import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { told, type Told } from '../support/answers.ts';
import { openHouse, type House } from '../support/house.ts';
import { SessionMint, type MintedSession } from '../support/minted-sessions.ts';

const OVERLOADED = { status: 503, code: 'overloaded', set: [], cleared: [], retryAfter: '1' };
/** One refresh under way, and twenty times as many that wait. */
const IN_HOUSE = 21;
const TURNED_AWAY = 4;

const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

/** A page with an access token that is over, and the answers that it got. */
class Page {
  readonly answers: Told[] = [];
  readonly session: MintedSession;
  readonly #house: House;

  constructor(house: House, session: MintedSession) {
    this.#house = house;
    this.session = session;
  }

  async ask(): Promise<void> {
    this.answers.push(told(await this.#house.call('/api/x', { cookie: this.session.cookie })));
  }
}

describe('more refreshes than there is room for', () => {
  let house: House;
  let mint: SessionMint;

  beforeEach(async () => {
    house = await openHouse({ config: { refresh: { maxInFlight: 1 } } });
    mint = new SessionMint(house);
  });

  afterEach(() => house.close());

  async function pages(count: number): Promise<Page[]> {
    const sessions: MintedSession[] = [];
    for (let n = 0; n < count; n++) sessions.push(await mint.mint('alice', -1000));
    return sessions.map((session) => new Page(house, session));
  }

  it('are told to come again in a second, keep their session, and are served then', async () => {
    const all = await pages(IN_HOUSE + TURNED_AWAY);
    const gate = house.provider.control.hold('token');
    const asked = all.map((page) => page.ask());
    const turnedAway = (): Page[] => all.filter(({ answers }) => answers.length > 0);
    while (turnedAway().length < TURNED_AWAY) await moment();
    const later = turnedAway();
    expect(later.map(({ answers }) => answers)).toEqual(Array(TURNED_AWAY).fill([OVERLOADED]));
    expect([gate.arrived, house.api.requests.length]).toEqual([1, 0]);

    house.provider.control.recover('token');
    gate.open();
    await Promise.all(asked);
    house.clock.skip(1000);
    await Promise.all(later.map((page) => page.ask()));
    expect(all.map(({ answers }) => answers.at(-1)?.status)).toEqual(Array(all.length).fill(200));
    expect(house.provider.stats.refreshes).toBe(all.length);
  });

  it('keep nobody waiting whose token is good, and no logout', async () => {
    const [first, ...others] = await pages(5);
    const good = await mint.mint('alice', 600_000);
    const gate = house.provider.control.hold('token');
    const underWay = first?.ask();
    await gate.waitFor(1);
    const waiting = others.map((page) => page.ask());
    expect((await house.call('/api/x', { cookie: good.cookie })).status).toBe(200);
    for (const { session } of others) {
      expect((await house.call('/bff/logout', { cookie: session.cookie, method: 'POST' })).status).toBe(200);
    }
    await Promise.all(waiting);
    expect(others.map(({ answers }) => answers[0])).toEqual(
      Array(4).fill(expect.objectContaining({ status: 401, code: 'session_revoked' })),
    );
    expect(gate.arrived).toBe(1);

    house.provider.control.recover('token');
    gate.open();
    await underWay;
    expect(first?.answers[0]?.status).toBe(200);
    expect(house.provider.stats.refreshes).toBe(1);
  });
});
