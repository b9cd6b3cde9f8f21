import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/kernel/secret.ts';
import * as scripts from '../../src/session/redis-head-scripts.ts';
import { RedisSessionHead } from '../../src/session/redis-session-head.ts';
import { testWrap } from '../support/ticket-wraps.ts';
import { openLinks } from '../support/redis-links.ts';
import { RedisServers } from '../support/redis-server.ts';
import { HEAD_TIMES } from './session-head.contract.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/redis.md'), 'utf8');
const user = /^user cloakroom .*$/m.exec(page)?.[0] ?? '';

describe('the rights in docs/redis.md', () => {
  const servers = new RedisServers();
  const links = openLinks();

  afterEach(async () => {
    links.close();
    await servers.close();
  });

  it('name every command of our scripts, and no other', () => {
    const lua = Object.values(scripts).map((script) => script.lua);
    const called = lua.flatMap((text) => [...text.matchAll(/redis\.call\('([A-Z]+)'/g)].map(([, name = '']) => `+${name.toLowerCase()}`));
    const allowed = user.split(' ').filter((it) => it.startsWith('+'));
    expect(allowed.toSorted()).toEqual([...new Set(['+eval', '+evalsha', '+ping', '+role', ...called])].toSorted());
  });

  it('are enough for the whole life of a head', async () => {
    const redis = await servers.start({ config: [user] });
    const { link, log } = await links.open({
      url: redis.url,
      username: 'cloakroom',
      password: new Secret('PASSWORD'),
      keyPrefix: 'cloakroom:',
    });
    const clock = { now: () => Date.now() };
    const head = new RedisSessionHead({ wrap: testWrap(), gatherFor: () => 0, scripts: link, clock, time: 'of-store', ...HEAD_TIMES });
    const endsAt = Date.now() + 3_600_000;
    expect(await head.claim({ sid: 's', generation: 1, endsAt }, 5_000)).toMatchObject({ kind: 'granted' });
    expect(await head.spending('s', 1, 5_000)).toBe(true);
    await head.publish('s', 2, 'ticket', endsAt);
    expect(await head.claim({ sid: 's', generation: 1, endsAt }, 5_000)).toMatchObject({ kind: 'newer' });
    await head.confirm('s', 2);
    expect([await redis.cli(['ACL', 'LOG']), log.lines, link.status]).toEqual(['', [], 'up']);
  });
});
