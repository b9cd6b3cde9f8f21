import { afterEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLAIM, PUBLISH } from '../../src/session/redis-head-scripts.ts';
import { told } from '../support/answers.ts';
import type { SharedScript } from '../../src/session/shared-scripts.ts';
import { RedisProxy, type StopMoment } from '../support/redis-proxy.ts';
import { RedisServers } from '../support/redis-server.ts';
import { Replicas } from '../support/replica-processes.ts';

interface Row {
  readonly moment: string;
  readonly leeway: string;
  readonly answer: string;
  readonly sent: number;
}

/** What docs/tokens.md promises, row by row. */
function promised(): readonly Row[] {
  const page = readFileSync(join(import.meta.dirname, '../../docs/tokens.md'), 'utf8');
  const table = /\| The process is killed *\|.*\n\|[-| ]+\n((?:\|.*\n)+)/.exec(page)?.[1] ?? '';
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [moment = '', leeway = '', answer = '', sent = ''] = line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
      return { moment, leeway, answer, sent: Number(sent) };
    });
}

/** Waits for the moment at which the first process is killed; what it gives back lets go what was held for that. */
type Arrives = (replicas: Replicas, proxy: RedisProxy) => Promise<() => void>;

const stop =
  (script: SharedScript, when: StopMoment): Arrives =>
  async (_, proxy) => {
    await proxy.stopAt(script, when);
    return () => undefined;
  };

const granted: Arrives = async ({ provider }) => {
  const gate = provider.control.hold('token', 'after');
  await gate.waitFor(1);
  return () => gate.open();
};

const MOMENTS: ReadonlyMap<string, Arrives> = new Map([
  ['before the grant', stop(CLAIM, 'answered')],
  ['after the grant, before the new cookie is sealed', granted],
  ['after the new cookie is sealed, before it is published', stop(PUBLISH, 'asked')],
  ['after the new cookie is published, before the response', stop(PUBLISH, 'answered')],
]);

describe('the documentation', () => {
  it('has a row in the documentation for every moment', () => {
    expect(new Set(promised().map(({ moment }) => moment))).toEqual(new Set(MOMENTS.keys()));
  });
});

describe('a process that is killed in the middle of a refresh', () => {
  const servers = new RedisServers();
  const opened: { close(): Promise<void> }[] = [];

  async function open(leeway: string): Promise<{ readonly replicas: Replicas; readonly proxy: RedisProxy }> {
    const redis = await servers.startSettled();
    const proxy = await RedisProxy.open(redis.port);
    opened.push(proxy);
    const replicas = await Replicas.open({
      count: 3,
      redisUrl: (n) => (n === 0 ? proxy.url : redis.url),
      provider: { rotation: 'one-time', leeway: Number.parseInt(leeway, 10) },
      config: { provider: { timeout: '1s' }, refresh: { providerLeeway: leeway } },
    });
    opened.unshift(replicas);
    // Redis has the scripts now: from here on each step is one command.
    const { cookie } = await replicas.expired('bob');
    expect((await replicas.call(1, '/api/bob', { cookie })).status).toBe(200);
    replicas.provider.stats.reset();
    return { replicas, proxy };
  }

  afterEach(async () => {
    for (const it of opened.splice(0)) await it.close();
    await servers.close();
  });

  it.each(promised())('$moment, with a leeway of $leeway: $answer', async ({ moment, leeway, answer, sent }) => {
    const { replicas, proxy } = await open(leeway);
    const { cookie } = await replicas.expired();
    const arrived = MOMENTS.get(moment)?.(replicas, proxy);
    const lost = expect(replicas.call(0, '/api/lost', { cookie })).rejects.toThrow();
    const letGo = await arrived;
    await replicas.kill(0);
    letGo?.();
    await lost;

    const calls = [1, 2, 1, 2].map((n) => replicas.call(n, '/api/orders', { cookie }));
    const answers = await Promise.all(calls);
    expect(answers.map((it) => `${String(it.status)} ${told(it).code ?? ''}`.trim())).toEqual(Array(4).fill(answer));
    expect(replicas.provider.stats.tokenRequests.map(({ status }) => status)).toEqual(Array(sent).fill(200));
    if (answer === '200') {
      const tickets = new Set(answers.map((it) => told(it).set.join()));
      expect([tickets.size, [...tickets][0]]).toEqual([1, expect.stringContaining('__Host-Http-cloakroom=')]);
    }
  });
});
