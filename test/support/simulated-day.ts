import type { Fault } from '../../demo/provider/faults.ts';
import { told } from './answers.ts';
import type { House } from './house.ts';
import type { SeededRandom } from './random.ts';
import type { UserAgent } from './user-agent.ts';

export const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SECOND = 1000;
const LIFETIME = 300 * SECOND;
/** A token of 300 s is early for its last 54 to 60 s. */
const INTO_EARLY = 250 * SECOND;
const TABS = 3;

/** What happened on this day. */
export interface Diary {
  requests: number;
  /** Older cookies that were answered with their successor's token, and replaced. */
  handovers: number;
  /** The same after an answer with new tokens that its tab never got. */
  healed: number;
  /** Refreshes that went wrong and were repeated at once, unnoticed by the page. */
  repeated: number;
  /** 503s, each followed by a 200. */
  retried: number;
  aborted: number;
  /** Answers that send a user to the login page, or take a cookie away. */
  readonly forcedLogins: string[];
  /** What a page did not expect, and is no forced login. */
  readonly surprises: string[];
}

/** The clock that the day goes by, and the window in which spent refresh tokens are good again (seconds). */
export interface DayOptions {
  readonly random: SeededRandom;
  readonly leeway: number;
  /** The longest time between two ordinary polls. */
  readonly longestStep: number;
}

const BLIPS: readonly Fault[] = [
  { kind: 'status', status: 500 },
  { kind: 'status', status: 502, body: '<html>Bad gateway</html>' },
  { kind: 'reset' },
  { kind: 'garbage' },
];
const LOST: Fault = { kind: 'reset', when: 'after' };

/** One user's day: three tabs of one browser, and all that happens to browsers, laptops, networks and providers in a day. */
export class SimulatedDay {
  readonly diary: Diary = { requests: 0, handovers: 0, healed: 0, repeated: 0, retried: 0, aborted: 0, forcedLogins: [], surprises: [] };
  readonly #house: House;
  readonly #options: DayOptions;
  readonly #tabs: readonly UserAgent[];
  #began = 0;

  constructor(house: House, browser: UserAgent, options: DayOptions) {
    this.#house = house;
    this.#options = options;
    this.#tabs = Array.from({ length: TABS }, () => browser.openTab());
  }

  async run(hours: number): Promise<void> {
    this.#began = this.#house.clock.now();
    const end = this.#began + hours * HOUR;
    // A user who has to log in again has had enough.
    const goesOn = (): boolean => this.#house.clock.now() < end && this.diary.forcedLogins.length === 0;
    while (goesOn()) {
      for (const event of this.#shuffled()) {
        if (!goesOn()) break;
        await event();
        for (let n = 0; n < 3; n++) await this.#ordinaryPoll();
      }
    }
  }

  #shuffled(): (() => Promise<void>)[] {
    const { random } = this.#options;
    const events = [
      () => this.#laptopSleeps(),
      () => this.#browserIsKilled(20 * SECOND),
      () => this.#browserIsKilled(2 * HOUR),
      () => this.#browserIsKilledAfterConfirming(),
      () => this.#answerIsLost(),
      () => this.#answerIsLost(),
      () => this.#clientsAbort(),
      () => this.#providerBlips(random.pick(this.#options.leeway > 0 ? [...BLIPS, LOST] : BLIPS)),
      () => this.#providerBlipsEarly(random.pick(BLIPS)),
      () => this.#providerIsAway(),
      () => this.#providerLimits(),
    ];
    return events
      .map((event) => ({ event, at: random.integer(1 << 30) }))
      .sort((a, b) => a.at - b.at)
      .map(({ event }) => event);
  }

  async #ordinaryPoll(): Promise<void> {
    this.#house.clock.skip(MINUTE + this.#options.random.integer(this.#options.longestStep - MINUTE));
    await this.#poll();
  }

  /** Hours of nothing at all. */
  async #laptopSleeps(): Promise<void> {
    this.#house.clock.skip((2 + this.#options.random.integer(4)) * HOUR);
    await this.#poll();
  }

  /** It had not written the new cookie to disk, and comes back with the one before. */
  async #browserIsKilled(comesBackAfter: number): Promise<void> {
    const before = await this.#refreshed();
    this.#jar.restore(before);
    this.#house.clock.skip(comesBackAfter);
    this.diary.handovers += await this.#healedBy();
  }

  /** The same, when the new cookie had been in use for so long that it could have been on the disk. */
  async #browserIsKilledAfterConfirming(): Promise<void> {
    const before = await this.#refreshed();
    this.#house.clock.skip(46 * SECOND);
    await this.#poll();
    this.#jar.restore(before);
    this.#house.clock.skip(30 * SECOND);
    this.diary.handovers += await this.#healedBy();
  }

  /** The client goes away after the provider has granted, before anything is answered. */
  async #answerIsLost(): Promise<void> {
    this.#house.clock.skip(LIFETIME);
    const { control, stats } = this.#house.provider;
    const granted = stats.refreshes;
    const gate = control.hold('token', 'after');
    const client = new AbortController();
    const request = this.#aTab.fetch('/api/lost', { signal: client.signal }).catch(() => undefined);
    await Promise.race([gate.waitFor(1), request]);
    client.abort();
    await request;
    control.recover('token');
    gate.open();
    this.diary.aborted++;
    this.diary.healed += await this.#healedBy();
    if (stats.refreshes !== granted + 1) this.#surprise('a lost answer cost another grant');
  }

  async #clientsAbort(): Promise<void> {
    for (const tab of this.#tabs) {
      this.#house.clock.skip(this.#options.random.integer(2 * MINUTE));
      const client = new AbortController();
      const request = tab.fetch('/api/aborted', { signal: client.signal }).catch(() => undefined);
      if (this.#options.random.chance(2)) await new Promise(setImmediate);
      client.abort();
      await request;
      this.diary.aborted++;
    }
  }

  /** One refresh goes wrong with the token over: the request does not notice. */
  async #providerBlips(fault: Fault): Promise<void> {
    this.#house.clock.skip(LIFETIME);
    this.#house.provider.control.fail('token', fault, 1);
    await this.#poll();
    this.#house.provider.control.recover('token');
    this.diary.repeated++;
  }

  /** One refresh goes wrong while the token is still good: it is used. */
  async #providerBlipsEarly(fault: Fault): Promise<void> {
    await this.#refreshed();
    this.#house.clock.skip(INTO_EARLY);
    this.#house.provider.control.fail('token', fault, 1);
    await this.#poll();
    this.#house.provider.control.recover('token');
  }

  async #providerIsAway(): Promise<void> {
    this.#house.clock.skip(LIFETIME);
    await this.#house.provider.control.down();
    await this.#poll(503);
    await this.#house.provider.control.up();
    await this.#poll(200, 15 * SECOND);
  }

  async #providerLimits(): Promise<void> {
    this.#house.clock.skip(LIFETIME);
    this.#house.provider.control.fail('token', { kind: 'status', status: 429, headers: { 'retry-after': '20' } }, 1);
    await this.#poll(503);
    await this.#poll(200, 20 * SECOND);
  }

  /** The cookies from before a refresh that has just happened. */
  async #refreshed(): Promise<ReturnType<UserAgent['cookies']>> {
    const before = this.#jar.all();
    this.#house.clock.skip(LIFETIME);
    const granted = this.#house.provider.stats.refreshes;
    await this.#poll();
    if (this.#house.provider.stats.refreshes !== granted + 1) this.#surprise('three tabs did not make exactly one grant');
    return before;
  }

  /** How many tabs with an older cookie were served, and given the newer one. */
  async #healedBy(): Promise<number> {
    const answers = await this.#poll();
    return answers.filter(({ status, set }) => status === 200 && set.length > 0).length;
  }

  async #poll(expected = 200, after = 0): Promise<ReturnType<typeof told>[]> {
    this.#house.clock.skip(after);
    const answers = await Promise.all(this.#tabs.map((tab) => tab.fetch('/api/x').then(told)));
    for (const answer of answers) {
      this.diary.requests++;
      if (expected === 503 && answer.status === 503) this.diary.retried++;
      if (answer.status === 401 || answer.cleared.length > 0) this.diary.forcedLogins.push(`${this.#time()} ${JSON.stringify(answer)}`);
      else if (answer.status !== expected) this.#surprise(JSON.stringify(answer));
    }
    return answers;
  }

  get #aTab(): UserAgent {
    return this.#options.random.pick(this.#tabs);
  }

  get #jar(): UserAgent['jar'] {
    return this.#aTab.jar;
  }

  #surprise(what: string): void {
    this.diary.surprises.push(`${this.#time()} ${what}`);
  }

  #time(): string {
    return new Date(this.#house.clock.now() - this.#began).toISOString().slice(11, 19);
  }
}
