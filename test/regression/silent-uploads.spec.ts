import { afterEach, describe, expect, it } from '@jest/globals';
import type { RequestFact } from '../../src/kernel/request-fact.ts';
import type { Forwarder } from '../../src/proxy/forwarder.ts';
import type { Freshness } from '../../src/tokens/freshness.ts';
import { Attack, signedHead } from '../support/attack.ts';
import { active, session, SESSION_COOKIE, type StandOptions } from '../support/proxy-stand.ts';
import { header, headers, RawClient } from '../support/raw-http.ts';

const SHORT = 60;
const LONG = 60_000;
const POST = signedHead('POST /api', 'Content-Length: 10');
const taken = (value: string) => ({ ticket: { value, session: session() }, takenAt: 0 });

describe('A32 a client that stops in the middle of its body', () => {
  let attack: Attack;
  let client: RawClient;
  const facts: RequestFact[] = [];

  afterEach(async () => {
    client.destroy();
    facts.splice(0);
    await attack.close();
  });

  async function open(options: Omit<StandOptions, 'upstream'>, bodyIdleTimeout = SHORT, idleTimeout = LONG): Promise<void> {
    attack = await Attack.open({
      lookup: { ...active(), taken: taken('renewed') },
      server: { bodyIdleTimeout },
      route: { idleTimeout },
      onAnswered: (fact) => facts.push(fact),
      ...options,
    });
    client = await RawClient.open(attack.stand.port);
  }

  /** Whatever limit it was, and wherever the request had come to. */
  async function isAnsweredAsTheRoutesOwn(): Promise<void> {
    const answer = await client.answer();
    await client.closed();
    const requestId = header(answer, 'x-request-id');
    expect([answer.status, header(answer, 'connection'), headers(answer, 'set-cookie')]).toEqual([
      408,
      'close',
      [`${SESSION_COOKIE}=renewed; Path=/`],
    ]);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'request_timeout', detail: 'The request body stopped coming.', requestId });
    expect(attack.stand.logger.of('request_refused').map((it) => it.fields)).toEqual([
      { route: '/api', code: 'request_timeout', requestId },
    ]);
    expect(facts.map((it) => [it.requestId, it.route, it.status])).toEqual([[requestId, '/api', 408]]);
  }

  it.each([
    ['the listener’s', SHORT, LONG],
    ['the route’s', LONG, SHORT],
    ['both', SHORT, SHORT],
  ])('gets the route’s answer when the limit is %s, and its upstream sees the request break off', async (_, listener, route) => {
    await open({}, listener, route);
    client.send(`${POST}part`);
    await isAnsweredAsTheRoutesOwn();
    expect(await (await attack.upstream.request()).whole).toBe(false);
  });

  it('gets it before its first byte', async () => {
    await open({});
    client.send(POST);
    await isAnsweredAsTheRoutesOwn();
  });

  it('gets it while the token is renewed, and then nothing goes upstream', async () => {
    let renew: (freshness: Freshness) => void = () => undefined;
    let forwarded = 0;
    await open({ fresh: () => new Promise((resolve) => (renew = resolve)), forward: () => forwarded++ });
    client.send(POST);
    await isAnsweredAsTheRoutesOwn();
    renew({ kind: 'usable', session: session() });
    await new Promise((resolve) => setImmediate(resolve));
    expect([forwarded, facts.length]).toEqual([0, 1]);
  });

  it('gets it while the request waits for a connection', async () => {
    let ends = 0;
    const forward: Forwarder['forward'] = (_request, response, plan) => {
      response.on('close', () => {
        ends++;
        plan.onEnd('client_gone');
      });
    };
    await open({ forward });
    client.send(POST);
    await isAnsweredAsTheRoutesOwn();
    expect(ends).toBe(1);
  });

  it('gets an answer where it is on no route too, with the request id of its access line', async () => {
    await open({ next: (request) => request.resume() });
    client.send(POST.replace('/api', '/bff/logout'));
    const answer = await client.answer();
    await client.closed();
    expect([answer.status, facts.map((it) => [it.requestId, it.status])]).toEqual([408, [[header(answer, 'x-request-id'), 408]]]);
  });

  it('gets a plain error when its cookie cannot be written', async () => {
    const setCookies = (): never => {
      throw new Error('too large');
    };
    await open({ setCookies });
    client.send(POST);
    expect((await client.answer()).status).toBe(500);
    expect(facts.map((it) => it.status)).toEqual([500]);
  });
});
