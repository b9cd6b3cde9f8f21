import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { RequestFact } from '../../src/kernel/request-fact.ts';
import type { Freshness } from '../../src/tokens/freshness.ts';
import { Attack, signedHead } from '../support/attack.ts';
import { active, session, SESSION_COOKIE, type StandOptions } from '../support/proxy-stand.ts';
import { header, headers, RawClient } from '../support/raw-http.ts';

const POST = signedHead('POST /api', 'Transfer-Encoding: chunked');
const BROKEN = 'nonsense\r\n';

describe('a body that breaks off with what is no chunk', () => {
  let attack: Attack;
  let client: RawClient;
  const facts: RequestFact[] = [];

  afterEach(async () => {
    client.destroy();
    facts.splice(0);
    await attack.close();
  });

  async function open(options: Omit<StandOptions, 'upstream'> = {}): Promise<void> {
    const lookup = { ...active(), taken: { ticket: { value: 'renewed', session: session() }, takenAt: 0 } };
    attack = await Attack.open({ lookup, onAnswered: (fact) => facts.push(fact), ...options });
    client = await RawClient.open(attack.stand.port, { heldOpen: true });
  }

  async function isAnsweredAsTheRoutesOwn(): Promise<void> {
    const answer = await client.answer();
    const requestId = header(answer, 'x-request-id');
    const cookies = headers(answer, 'set-cookie');
    expect([answer.status, header(answer, 'connection'), cookies]).toEqual([400, 'close', [`${SESSION_COOKIE}=renewed; Path=/`]]);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'bad_request', requestId });
    const [refused, ...more] = attack.stand.logger.of('request_refused').map((it) => it.fields);
    expect([refused, more]).toEqual([{ route: '/api', code: 'bad_request', requestId }, []]);
    expect(facts.map((it) => [it.requestId, it.route, it.status])).toEqual([[requestId, '/api', 400]]);
  }

  it('gets the route’s answer, and its upstream sees the request break off at once, though the client stays', async () => {
    await open();
    client.send(`${POST}4\r\npart\r\n`);
    const seen = await attack.upstream.request();
    client.send(BROKEN);
    await isAnsweredAsTheRoutesOwn();
    expect([await seen.whole, await seen.closed, client.socket.destroyed]).toEqual([false, false, false]);
  });

  it('gets it while the token is renewed, and then nothing goes upstream', async () => {
    let renew: (freshness: Freshness) => void = () => undefined;
    await open({ fresh: () => new Promise((resolve) => (renew = resolve)) });
    client.send(POST + BROKEN);
    await isAnsweredAsTheRoutesOwn();
    renew({ kind: 'usable', session: session() });
    await new Promise((resolve) => setImmediate(resolve));
    expect([attack.upstream.requests, facts.length]).toEqual([[], 1]);
  });

  it('gets an answer where it is on no route too, with the request id of its access line', async () => {
    await open({ next: (request) => request.resume() });
    client.send(POST.replace('/api', '/bff/logout') + BROKEN);
    const answer = await client.answer();
    expect([answer.status, header(answer, 'cloakroom-error'), header(answer, 'connection')]).toEqual([400, 'bad_request', 'close']);
    expect(facts.map((it) => [it.requestId, it.route, it.status])).toEqual([[header(answer, 'x-request-id'), 'inside /bff/logout', 400]]);
  });

  it('ends the connection of an answer that has begun', async () => {
    await open();
    attack.upstream.handler = (_request, response) => response.writeHead(200, { 'content-length': 100 }).write('part');
    await client.send(`${POST}2\r\nok\r\n`).until((it) => it.endsWith('part'));
    client.send(BROKEN);
    await once(client.socket, 'end');
    expect(await (await attack.upstream.request()).closed).toBe(false);
  });
});
