import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { RedisLink } from '../../src/redis/redis-link.ts';
import { RedisSessionHead } from '../../src/session/redis-session-head.ts';
import type { SharedScripts } from '../../src/session/shared-scripts.ts';
import { testWrap } from '../support/ticket-wraps.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { openLinks } from '../support/redis-links.ts';
import { RedisServers, type RedisServer } from '../support/redis-server.ts';
import { describeSessionHead, HEAD_TIMES } from './session-head.contract.ts';

const servers = new RedisServers();
const links = openLinks();
let nodes: readonly RedisServer[];
let link: RedisLink;
let prefixes = 0;

beforeAll(async () => {
  nodes = await startCluster(servers, 3);
  ({ link } = await links.open({ cluster: { nodes: nodes.map(({ port }) => `127.0.0.1:${String(port)}`) } }));
});

afterAll(async () => {
  links.close();
  await servers.close();
});

const scriptsOf = (keyPrefix: string): SharedScripts => ({
  keyPrefix,
  isOneNode: false,
  run: (script, keys, args) => link.run(script, keys, args),
});

describeSessionHead('RedisSessionHead on a cluster', () => {
  const clock = new ManualClock();
  const scripts = scriptsOf(`test-${String((prefixes += 1))}:`);
  const head = new RedisSessionHead({ wrap: testWrap(), gatherFor: () => 0, scripts, clock, time: 'of-clock', ...HEAD_TIMES });
  return { head, newest: (sid) => head.peek(sid), now: () => clock.now(), advance: (ms) => clock.set(clock.now() + ms) };
});

describe('the heads of many sessions', () => {
  it('lie on all nodes of a cluster, both keys of each on one', async () => {
    const clock = { now: () => Date.now() };
    const head = new RedisSessionHead({
      wrap: testWrap(),
      gatherFor: () => 0,
      scripts: scriptsOf('many:'),
      clock,
      time: 'of-store',
      ...HEAD_TIMES,
    });
    const sids = Array.from({ length: 60 }, (_, n) => `sid${String(n)}`);
    await Promise.all(sids.map((sid) => head.publish(sid, 2, `ticket-${sid}`, Date.now() + 3_600_000)));
    const kept = await Promise.all(nodes.map(async (node) => (await node.cli(['keys', 'many:*'])).split('\n').sort()));
    for (const keys of kept) {
      expect(keys.length).toBeGreaterThan(4);
      const sidsOf = (kind: string): string[] => keys.filter((key) => key.includes(kind)).map((key) => /\{.*\}/.exec(key)?.[0] ?? '');
      expect(sidsOf(':head:')).toEqual(sidsOf(':ticket:'));
    }
    expect(kept.flat()).toHaveLength(120);
  });
});
