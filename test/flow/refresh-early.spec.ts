import { afterEach, describe, expect, it } from '@jest/globals';
import { fingerprintOf, told } from '../support/answers.ts';
import { openHouse, type House } from '../support/house.ts';

// A token of 300 s is early for the last 54 to 60 s.
const INTO_EARLY_MS = 250_000;

describe('early refresh', () => {
  let house: House;
  let cookie: string;
  let fingerprint: string;

  afterEach(() => house.close());

  async function signedIn(earlyWait: string): Promise<void> {
    house = await openHouse({ config: { refresh: { earlyWait }, session: { idleStep: '20m' } } });
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
    fingerprint = await fingerprintOf(await house.call('/api/x', { cookie }));
    house.provider.stats.reset();
  }

  it('does not begin while more than early is left', async () => {
    await signedIn('300ms');
    house.clock.skip(230_000);
    expect(await fingerprintOf(await house.call('/api/x', { cookie }))).toBe(fingerprint);
    expect(house.provider.stats.hits.token).toBeUndefined();
  });

  it('delays no request for a provider that takes its time, and later requests get the new ticket', async () => {
    await signedIn('20ms');
    house.clock.skip(INTO_EARLY_MS);
    const gate = house.provider.control.hold('token');

    const trigger = await house.call('/api/trigger', { cookie });
    const others = await Promise.all(Array.from({ length: 20 }, () => house.call('/api/other', { cookie })));
    // All of them are answered, and the provider has not answered anything yet.
    expect(gate.arrived).toBe(1);
    for (const answer of [trigger, ...others]) {
      expect(told(answer)).toMatchObject({ status: 200, set: [] });
      expect(await fingerprintOf(answer)).toBe(fingerprint);
    }

    const joined = house.call('/bff/refresh', { cookie, method: 'POST' });
    gate.open();
    const { set } = told(await joined);
    expect(set).toHaveLength(1);
    const later = await house.call('/api/later', { cookie });
    expect(told(later)).toMatchObject({ status: 200, set });
    expect(await fingerprintOf(later)).not.toBe(fingerprint);
    expect([gate.arrived, house.provider.stats.refreshes]).toEqual([1, 1]);
  });

  it('makes nobody but the request that began it wait', async () => {
    await signedIn('10s');
    house.clock.skip(INTO_EARLY_MS);
    const gate = house.provider.control.hold('token');
    const order: string[] = [];
    const trigger = house.call('/api/trigger', { cookie }).finally(() => order.push('trigger'));
    await gate.waitFor(1);
    const others = await Promise.all(Array.from({ length: 10 }, () => house.call('/api/other', { cookie })));
    order.push('others');
    gate.open();
    expect(await fingerprintOf(await trigger)).not.toBe(fingerprint);
    expect(order).toEqual(['others', 'trigger']);
    for (const answer of others) expect([told(answer).set, await fingerprintOf(answer)]).toEqual([[], fingerprint]);
  });

  it('gives the new ticket to the request that began it when the provider is quick', async () => {
    await signedIn('10s');
    house.clock.skip(INTO_EARLY_MS);
    const answer = await house.call('/api/trigger', { cookie });
    expect(told(answer).set).toHaveLength(1);
    expect(await fingerprintOf(answer)).not.toBe(fingerprint);
    expect(house.provider.stats.refreshes).toBe(1);
  });

  it('asks a failing provider once, not once per request', async () => {
    await signedIn('10s');
    house.clock.skip(INTO_EARLY_MS);
    house.provider.control.fail('token', { kind: 'oauth-error', error: 'invalid_client', status: 401 });
    const statuses: number[] = [];
    for (let n = 0; n < 10; n++) statuses.push((await house.call('/api/x', { cookie })).status);
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 200));
    expect(house.provider.stats.hits.token).toBe(1);
  });
});
