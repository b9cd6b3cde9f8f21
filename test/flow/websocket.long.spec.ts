import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { settledAt, steady, usedHeap } from '../support/chaos/standing.ts';
import { handshake } from '../support/chaos/web-sockets.ts';
import { openHouse, type House } from '../support/house.ts';
import { RawClient } from '../support/raw-http.ts';

const TOTAL = 500;

/** As many as this process may have descriptors for, both ends of a connection being in it; 10,000 at most. */
const CLIENTS = Math.min(10_000, Math.floor(descriptorLimit() / 2.2) - 2 * TOTAL);

describe(`${String(CLIENTS)} handshakes at once`, () => {
  let house: House;
  let cookie: string;

  beforeAll(async () => {
    house = await openHouse({ config: { websocket: { perSession: 10_000, total: TOTAL }, listen: { maxConnections: 50_000 } } });
    const agent = house.newAgent();
    await agent.login('alice');
    cookie = house.cookiesOf(agent);
  });

  afterAll(() => house.close());

  it('open as many WebSockets as there are places, refuse the others with 503, and leave nothing behind', async () => {
    const wave = async (): Promise<number[]> => {
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.open(house.port)));
      const bytes = handshake(house, cookie);
      for (const client of clients) client.send(bytes);
      const heads = await Promise.all(clients.map((client) => client.until((it) => it.includes('\r\n\r\n'))));
      for (const client of clients) client.destroy();
      return heads.map((head) => Number(head.slice(9, 12)));
    };
    await wave();
    await sleep(3_000);
    const before = await steady();
    const heapBefore = usedHeap();
    const statuses = await wave();
    expect(new Set(statuses)).toEqual(new Set([101, 503]));
    expect(statuses.filter((status) => status === 101)).toHaveLength(TOTAL);
    expect(await settledAt(before, 20_000)).toEqual(before);
    expect(house.api.sockets).toBe(0);
    house.api.reset();
    expect(usedHeap()).toBeLessThan(heapBefore * 1.1);
    expect(house.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect((await house.call('/api/x', { cookie })).status).toBe(200);
  });
});

function descriptorLimit(): number {
  return Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
}
