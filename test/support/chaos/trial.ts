import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ACT_NAMES } from './acts.ts';
import { ChaosClient } from './client.ts';
import { MOST_IN_FLIGHT, openChaosHouse, type ChaosHouse } from './house.ts';
import { PLAY_NAMES } from './plays.ts';
import { requestFor } from './requests.ts';
import { settledAt, steady, usedHeap, type Standing } from './standing.ts';
import { storm, type Damage } from './storm.ts';

export interface TrialOptions {
  readonly seed: number;
  readonly cycles: number;
}

const AT_ONCE = 48;
const LONGEST_START = 60_000;
const LONGEST_CYCLE = 60;
/** Idle connections to the upstream are closed by us after four seconds, idle ones of clients after two. */
const SETTLED_WITHIN = 15_000;

/** The whole product between clients and an upstream that behave as badly as they can. */
export function chaosTrial({ seed, cycles }: TrialOptions): void {
  describe(`${String(cycles)} connections of clients and upstreams that break off, stop, stay or lie (seed ${String(seed)})`, () => {
    let chaos: ChaosHouse;
    let baseline: Standing;
    let heapBefore: number;
    let damage: Damage;
    let errors: readonly unknown[];

    const run = (from: number, count: number): Promise<Damage> =>
      storm({ seed: from, cycles: count, atOnce: AT_ONCE, port: chaos.house.port, sender: chaos.sender, upstream: chaos.upstream });

    beforeAll(
      async () => {
        chaos = await openChaosHouse();
        baseline = await steady();
        await run(seed + 1, cycles / 5); // everything that is made once and kept
        await settledAt(baseline, SETTLED_WITHIN);
        chaos.house.log.lines.length = 0;
        heapBefore = usedHeap();
        damage = await run(seed, cycles);
        errors = chaos.house.log.lines.filter(({ level }) => level === 'error');
        chaos.house.log.lines.length = 0;
      },
      LONGEST_START + cycles * LONGEST_CYCLE,
    );

    afterAll(() => chaos.close());

    it('all come to an end that fits, each request once upstream, no answer with another’s bytes', () => {
      expect(damage.faults).toEqual([]);
    });

    it('were of every kind', () => {
      const wanted = [...PLAY_NAMES.map((it) => `play ${it}`), ...ACT_NAMES.map((it) => `act ${it}`)];
      expect(wanted.filter((it) => !damage.counts.has(it))).toEqual([]);
      for (const seen of ['whole', 'cut', 'closed', '413', '502', '504']) expect(damage.counts.get(`seen ${seen}`)).toBeGreaterThan(0);
      expect(damage.counts.get('sent again')).toBeGreaterThan(0);
    });

    it('cause no line of level error', () => {
      expect(errors).toEqual([]);
    });

    it('leave no descriptor and nothing that waits behind, and close every connection to the upstream', async () => {
      expect(await settledAt(baseline, SETTLED_WITHIN)).toEqual(baseline);
      expect(chaos.upstream.open).toBe(0);
    });

    it('leave the heap as it was, within a tenth', () => {
      expect(usedHeap() / heapBefore).toBeLessThan(1.1);
    });

    it('leave every place for requests free: exactly so many are admitted, all are answered', async () => {
      const release = chaos.upstream.hold();
      const shape = { method: 'GET', size: 0, isChunked: false };
      const clients = await Promise.all(Array.from({ length: MOST_IN_FLIGHT }, () => ChaosClient.open(chaos.house.port)));
      for (const [at, client] of clients.entries())
        client.send(requestFor('held', { ...shape, id: `held${String(at)}` }, chaos.sender).head);
      while (chaos.upstream.hits.size < MOST_IN_FLIGHT) await new Promise((resolve) => setImmediate(resolve));
      const extra = await ChaosClient.open(chaos.house.port);
      extra.send(requestFor('small', { ...shape, id: 'extra' }, chaos.sender).head);
      await extra.answered(0);
      release();
      await Promise.all(clients.map((client) => client.answered(0)));
      expect([extra.answers[0]?.start.split(' ')[1], extra.answers[0]?.headers.get('cloakroom-error')]).toEqual(['503', 'overloaded']);
      expect(clients.filter((client) => client.answers[0]?.start.startsWith('HTTP/1.1 200') !== true)).toEqual([]);
      for (const client of [...clients, extra]) client.destroy();
    });
  });
}
