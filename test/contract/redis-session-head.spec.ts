import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { RedisLink } from '../../src/redis/redis-link.ts';
import { RedisSessionHead } from '../../src/session/redis-session-head.ts';
import type { SharedScripts } from '../../src/session/shared-scripts.ts';
import { testWrap } from '../support/ticket-wraps.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { openLinks } from '../support/redis-links.ts';
import { RedisServers, type RedisServer } from '../support/redis-server.ts';
import { describeSessionHead, HEAD_TIMES, lateTicket } from './session-head.contract.ts';

const servers = new RedisServers();
const links = openLinks();
let link: RedisLink;
let redis: RedisServer;
let prefixes = 0;

beforeAll(async () => {
  redis = await servers.start();
  ({ link } = await links.open({ url: redis.url }));
});

afterAll(async () => {
  links.close();
  await servers.close();
});

/** The one Redis of these tests, with keys of its own for each of them. */
function freshScripts(): SharedScripts {
  const keyPrefix = `test-${String((prefixes += 1))}:`;
  return { keyPrefix, isOneNode: true, run: (script, keys, args) => link.run(script, keys, args) };
}

const keysOf = ({ keyPrefix }: SharedScripts, sid: string): string[] => [`${keyPrefix}head:{${sid}}`, `${keyPrefix}ticket:{${sid}}`];

async function ask(scripts: SharedScripts, sid: string, lua: string): Promise<unknown> {
  return scripts.run({ name: 'ask', lua }, keysOf(scripts, sid), []);
}

describeSessionHead('RedisSessionHead', () => {
  const clock = new ManualClock();
  const head = new RedisSessionHead({
    wrap: testWrap(),
    gatherFor: () => 0,
    scripts: freshScripts(),
    clock,
    time: 'of-clock',
    ...HEAD_TIMES,
  });
  return {
    head,
    newest: (sid) => head.peek(sid),
    now: () => clock.now(),
    advance: (ms) => clock.set(clock.now() + ms),
  };
});

describe('RedisSessionHead', () => {
  const endsAt = Date.now() + 3_600_000;
  const clock = { now: () => Date.now() };
  const headOn = (scripts: SharedScripts): RedisSessionHead =>
    new RedisSessionHead({ wrap: testWrap(), gatherFor: () => 0, scripts, clock, time: 'of-store', ...HEAD_TIMES });
  const claimant = { sid: 'a', generation: 1, endsAt };

  it('gives one lease to many processes', async () => {
    const scripts = freshScripts();
    const claims = await Promise.all(Array.from({ length: 20 }, () => headOn(scripts).claim(claimant, 5000)));
    expect(claims.filter(({ kind }) => kind === 'granted')).toHaveLength(1);
    expect(claims.filter(({ kind }) => kind === 'busy')).toHaveLength(19);
  });

  it('measures leases by the clock of the store, whatever the time is here', async () => {
    const scripts = freshScripts();
    const ahead = new RedisSessionHead({
      wrap: testWrap(),
      gatherFor: () => 0,
      scripts,
      clock: { now: () => Date.now() + 3_600_000 },
      time: 'of-store',
      ...HEAD_TIMES,
    });
    await headOn(scripts).claim(claimant, 5000);
    const claim = await ahead.claim(claimant, 5000);
    expect(claim.kind).toBe('busy');
    const left = claim.kind === 'busy' ? claim.until - (Date.now() + 3_600_000) : 0;
    expect([left > 0, left <= 5000]).toEqual([true, true]);
  });

  it('ends a lease by itself, and tells the next that its token may be spent', async () => {
    const scripts = freshScripts();
    const first = headOn(scripts);
    await first.claim(claimant, 50);
    await first.spending('a', 1, 50);
    const second = headOn(scripts);
    const granted = async (): Promise<unknown> => {
      for (;;) {
        const claim = await second.claim(claimant, 5000);
        if (claim.kind !== 'busy') return claim;
      }
    };
    expect(await granted()).toMatchObject({ kind: 'granted', doubt: { abandoned: true } });
    expect(await first.spending('a', 1, 50)).toBe(false);
    await first.release('a', 1);
    expect(await first.claim(claimant, 50)).toMatchObject({ kind: 'busy' });
  });

  it('takes a claim of the same process again whose answer was lost', async () => {
    const scripts = freshScripts();
    let lost = true;
    const head = headOn({
      ...scripts,
      run: async (...call) => {
        const answer = await scripts.run(...call);
        if (!lost) return answer;
        lost = false;
        throw new Error('no answer');
      },
    });
    await expect(head.claim(claimant, 60_000)).rejects.toThrow('no answer');
    const again = await head.claim(claimant, 60_000);
    expect([again.kind, again]).toEqual(['granted', expect.not.objectContaining({ doubt: expect.anything() })]);
    expect(await headOn(scripts).claim(claimant, 60_000)).toMatchObject({ kind: 'busy' });
  });

  it('leaves no key behind for ever, nor a ticket for longer than it may be handed over', async () => {
    const scripts = freshScripts();
    const head = headOn(scripts);
    const lives = async (): Promise<unknown> => ask(scripts, 'a', `return {redis.call('PTTL', KEYS[1]), redis.call('PTTL', KEYS[2])}`);
    const hour = 3_600_000;
    const upTo = (ms: number): unknown => expect.closeTo(ms - 4000, -4);
    await head.claim(claimant, 5000);
    expect(await lives()).toEqual([upTo(hour), -2]);
    await head.publish('a', 2, 'ticket', endsAt);
    expect(await lives()).toEqual([upTo(hour), upTo(HEAD_TIMES.idle)]);
    await ask(scripts, 'a', `return redis.call('HSET', KEYS[1], 's', '1')`);
    await head.confirm('a', 2);
    expect(await lives()).toEqual([upTo(hour), upTo(HEAD_TIMES.handover)]);
    await head.forget('a');
    expect(await lives()).toEqual([-2, -2]);
  });

  it('hands a ticket that was published after its generation had been seen over no longer than any other', () => {
    const clock = new ManualClock(Date.now());
    const scripts = freshScripts();
    return lateTicket(
      new RedisSessionHead({ wrap: testWrap(), gatherFor: () => 0, scripts, clock, time: 'of-clock', ...HEAD_TIMES }),
      clock,
    );
  });

  describe('that has begun anew', () => {
    const times = () => {
      const clock = new ManualClock(Date.now());
      const scripts = freshScripts();
      const of = (gather: number) =>
        new RedisSessionHead({ wrap: testWrap(), gatherFor: () => gather, scripts, clock, time: 'of-clock', ...HEAD_TIMES });
      return { clock, of, scripts };
    };

    it('gives no lease for a session that it does not know until others have had time to tell it', async () => {
      const { clock, of } = times();
      const head = of(5000);
      const began = await head.begun();
      expect(began).toBe(clock.now());
      clock.set(clock.now() + 1000);
      expect(await head.claim(claimant, 1000)).toEqual({ kind: 'busy', until: clock.now() + 4000 });
      await of(5000).restore('b', { generation: 2, ticket: 'two', setAt: clock.now() }, endsAt);
      expect(await head.claim({ ...claimant, sid: 'b' }, 1000)).toMatchObject({ kind: 'newer', ticket: 'two' });
      expect(await head.claim({ ...claimant, sid: 'b', generation: 2 }, 1000)).toMatchObject({ kind: 'granted' });
      clock.set(clock.now() + 4000);
      expect(await head.claim(claimant, 1000)).toMatchObject({ kind: 'granted' });
      expect(await head.begun()).toBe(began);
    });

    it('is not waited for where a second use does no harm', async () => {
      const { of } = times();
      expect(await of(0).claim(claimant, 1000)).toMatchObject({ kind: 'granted' });
    });

    it('shows that by another beginning, and begins with the first claim if not before', async () => {
      const { clock, of, scripts } = times();
      const head = of(5000);
      const began = await head.begun();
      await ask(scripts, 'a', `return redis.call('DEL', '${scripts.keyPrefix}begun')`);
      clock.set(clock.now() + 60_000);
      expect(await head.claim(claimant, 1000)).toEqual({ kind: 'busy', until: clock.now() + 5000 });
      expect(await head.begun()).toBe((began ?? 0) + 60_000);
    });
  });

  it('marks a token as sent also where there is no room, as it gives leases there', async () => {
    const scripts = freshScripts();
    const [first, second] = [headOn(scripts), headOn(scripts)];
    await redis.cli(['config', 'set', 'maxmemory', '1']);
    try {
      expect(await first.claim({ ...claimant, sid: 'full' }, 20)).toMatchObject({ kind: 'granted' });
      expect(await first.spending('full', 1, 20)).toBe(true);
      let claim = await second.claim({ ...claimant, sid: 'full' }, 20);
      while (claim.kind === 'busy') claim = await second.claim({ ...claimant, sid: 'full' }, 20);
      expect(claim).toMatchObject({ kind: 'granted', doubt: { abandoned: true } });
      expect(await second.publish('full', 2, 'ticket', endsAt)).toBe(true);
    } finally {
      await redis.cli(['config', 'set', 'maxmemory', '0']);
    }
  });

  it('gives back what it was reminded of: tickets and numbers, for what is left of their time', async () => {
    const scripts = freshScripts();
    const clock = new ManualClock(Date.now());
    const head = new RedisSessionHead({ wrap: testWrap(), gatherFor: () => 0, scripts, clock, time: 'of-clock', ...HEAD_TIMES });
    const setAt = clock.now() - 100_000;
    await head.restore('t', { generation: 4, ticket: 'four', setAt }, endsAt);
    await head.restore('c', { generation: 4, ticket: 'four', setAt, confirmedAt: clock.now() - 50_000 }, endsAt);
    await head.restore('n', { generation: 4, setAt, confirmedAt: setAt }, endsAt);
    expect(await head.peek('t')).toEqual({ generation: 4, ticket: 'four', setAt });
    expect(await head.peek('c')).toEqual({ generation: 4, ticket: 'four', setAt, confirmedAt: clock.now() - 50_000 });
    expect(await head.peek('n')).toEqual({ generation: 4, setAt, confirmedAt: setAt });
    await head.restore('t', { generation: 3, ticket: 'three', setAt }, endsAt);
    await head.restore('t', { generation: 4, setAt, confirmedAt: clock.now() }, endsAt);
    expect(await head.peek('t')).toEqual({ generation: 4, ticket: 'four', setAt, confirmedAt: clock.now() });
    clock.set(clock.now() + 10_000);
    expect(await head.peek('c')).toEqual({ generation: 4, setAt, confirmedAt: clock.now() - 60_000 });
  });

  it('keeps a lease that is held when it is reminded of its generation', async () => {
    const head = headOn(freshScripts());
    await head.claim({ ...claimant, generation: 4 }, 5000);
    await head.spending('a', 4, 5000);
    await head.restore('a', { generation: 4, ticket: 'four', setAt: Date.now() }, endsAt);
    expect(await head.claim({ ...claimant, generation: 4 }, 5000)).toMatchObject({ kind: 'busy' });
  });

  it('says nothing about a ticket that is wrapped with a key it does not have', async () => {
    const scripts = freshScripts();
    const of = (secret: string) =>
      new RedisSessionHead({ wrap: testWrap([secret]), gatherFor: () => 0, scripts, clock, time: 'of-store', ...HEAD_TIMES });
    await of('the-key-of-one-process-1234567890abcdef').publish('a', 2, 'ticket', endsAt);
    const other = of('the-key-of-another-one-1234567890abcdef');
    expect(await other.claim(claimant, 5000)).toEqual({ kind: 'unavailable', retryAfter: 1 });
    await expect(other.peek('a')).rejects.toMatchObject({ reason: 'unreadable_ticket' });
  });

  it('hears from a sender that was cut off, although another one has its lease: it has not vanished', async () => {
    const scripts = freshScripts();
    for (const doubtful of [false, true]) {
      const sid = `cut-off-${String(doubtful)}`;
      const [sender, other] = [headOn(scripts), headOn(scripts)];
      const of = { sid, generation: 1, endsAt };
      await sender.claim(of, 20);
      await sender.spending(sid, 1, 20);
      let claim = await other.claim(of, 5000);
      while (claim.kind === 'busy') claim = await other.claim(of, 5000);
      expect(claim).toMatchObject({ kind: 'granted', doubt: { abandoned: true } });
      await other.release(sid, 1);
      await sender.release(sid, 1, doubtful);
      const next = await other.claim(of, 5000);
      if (doubtful) expect(next).toMatchObject({ kind: 'granted', doubt: { abandoned: false } });
      else expect(next).not.toHaveProperty('doubt');
    }
  });

  it('puts both keys of a session on one node of a cluster, under the prefix', async () => {
    const seen: (readonly string[])[] = [];
    const scripts: SharedScripts = {
      keyPrefix: 'app:',
      isOneNode: true,
      run: (_script, keys) => {
        seen.push(keys);
        return Promise.resolve(1);
      },
    };
    await headOn(scripts).forget('S1d');
    expect(seen).toEqual([['app:head:{S1d}', 'app:ticket:{S1d}']]);
  });

  it('takes an answer that is none of its own for a store that cannot be asked', async () => {
    const scripts: SharedScripts = { keyPrefix: '', isOneNode: true, run: () => Promise.resolve(['granted']) };
    await expect(headOn(scripts).claim(claimant, 5000)).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});
