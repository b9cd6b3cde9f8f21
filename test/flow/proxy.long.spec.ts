import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { openHouse, type House } from '../support/house.ts';
import { SeededRandom } from '../support/random.ts';

const CYCLES = 10_000;
const AT_ONCE = 50;
const PATHS = [
  '/x',
  '/die-before-head',
  '/die-mid-body',
  '/early-413',
  '/hang',
  '/hang-mid-body',
  '/sse?every=1',
  '/download?bytes=300000',
  '/slow?ms=5',
  '/upload',
  '/status/204',
];

/** File descriptors of this process, which holds client, proxy, provider and API. */
const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length;

describe('clients and upstreams that break off', () => {
  let house: House;
  let cookie: string;
  const random = new SeededRandom(20);

  beforeAll(async () => {
    const routes = (upstream: string) => [{ path: '/api', upstream, stripPrefix: true, headersTimeout: '200ms', idleTimeout: '200ms' }];
    house = await openHouse({ routes });
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
  });

  afterAll(() => house.close());

  /** One call that may be given up at any moment; what it came to. */
  async function cycle(): Promise<'answered' | 'broken' | 'given up'> {
    const client = new AbortController();
    const body = random.chance(3) ? 'x'.repeat(random.integer(200_000)) : undefined;
    const abortAfter = random.pick([-1, -1, 0, 1, 3, 10]); // -1: not before it has an answer
    if (abortAfter >= 0) setTimeout(() => client.abort(), abortAfter);
    try {
      const options = {
        cookie,
        method: body === undefined ? 'GET' : 'POST',
        signal: client.signal,
        ...(body === undefined ? {} : { body }),
      };
      const answer = await house.call(`/api${random.pick(PATHS)}`, options);
      const reader = answer.body?.getReader();
      for (let pieces = random.integer(20); reader !== undefined && pieces > 0; pieces--) if ((await reader.read()).done) break;
      client.abort();
      return 'answered';
    } catch {
      return client.signal.aborted ? 'given up' : 'broken';
    }
  }

  it('leave nothing behind: no descriptor, no request under way, no error, and the proxy alive', async () => {
    expect((await house.call('/api/x', { cookie })).status).toBe(200);
    const outcomes = { answered: 0, broken: 0, 'given up': 0 };
    let before = 0;
    for (let done = 0; done < CYCLES; done += AT_ONCE) {
      for (const outcome of await Promise.all(Array.from({ length: AT_ONCE }, cycle))) outcomes[outcome] += 1;
      house.api.reset();
      if (done === AT_ONCE * 10) {
        await sleep(2_000);
        before = await descriptors();
      }
    }
    await sleep(2_000);
    expect(outcomes.answered).toBeGreaterThan(0);
    expect(outcomes['given up']).toBeGreaterThan(0);
    // The pool of idle connections may have grown by a few since.
    expect(await descriptors()).toBeLessThanOrEqual(before + AT_ONCE);
    expect(house.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect((await house.call('/api/x', { cookie })).status).toBe(200);
  });
});
