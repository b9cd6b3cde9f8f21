import { expect } from '@jest/globals';
import { header, headers } from '../../support/raw-http.ts';
import { GET, type ForwarderCase, type ForwarderCases, UPLOAD } from './case.ts';
import { type ForwarderStage, passedOn } from './stage.ts';

const OURS = 'session=new; Path=/; HttpOnly';
const OF_THE_UPSTREAM = ['a=1; Path=/', 'b=2; Path=/', 'c=3; Path=/'];

/** A cookie of ours in both usual ways: on the response before it is forwarded, and in the head that the owner decides. */
function withOurCookie(stage: ForwarderStage): void {
  stage.prepare = (response) => response.setHeader('set-cookie', OURS);
  stage.plan = { onHead: (_status, head) => ({ kind: 'head', headers: [...passedOn(head), 'set-cookie', OURS] }) };
}

const credentials = (what: string, expectation: string): ForwarderCase => ({
  title: `sends the bearer upstream and none of the client's own credentials${what}`,
  play: async (stage) => {
    stage.plan = { headers: ['authorization', 'Bearer ours', 'content-length', '10'] };
    const { stub, port } = await stage.withStub();
    const client = await stage.client(port);
    const lines = `\r\nAuthorization: Bearer theirs\r\nCookie: session=sealed\r\n${expectation}\r\n`;
    client.send(UPLOAD.replace('\r\n\r\n', lines));
    const answer = await client.send('0123456789').answer();
    const seen = await stub.request();
    expect([answer.status, seen.headers.authorization, seen.headers.cookie]).toEqual([200, 'Bearer ours', undefined]);
  },
});

export const HEADS: ForwarderCases = {
  subject: 'heads',
  cases: [
    credentials('', ''),
    credentials(' with Expect: 100-continue', 'Expect: 100-continue\r\n'),
    {
      title: 'sends our Set-Cookie when the upstream sets none',
      play: async (stage) => {
        withOurCookie(stage);
        const { port } = await stage.withStub((_request, response) => response.end('ok'));
        expect(headers(await stage.exchange(port, GET), 'set-cookie')).toEqual([OURS]);
      },
    },
    {
      title: 'sends our Set-Cookie and the three of the upstream, each once',
      play: async (stage) => {
        withOurCookie(stage);
        const { port } = await stage.withStub((_request, response) => response.writeHead(200, { 'set-cookie': OF_THE_UPSTREAM }).end('ok'));
        const lines = headers(await stage.exchange(port, GET), 'set-cookie');
        expect([...lines].sort()).toEqual([...OF_THE_UPSTREAM, OURS].sort());
      },
    },
    {
      title: 'passes 503 and its Retry-After on, after one attempt',
      play: async (stage) => {
        const { stub, port } = await stage.withStub((_request, response) => response.writeHead(503, { 'retry-after': '7' }).end('busy'));
        const answer = await stage.exchange(port, GET);
        expect([answer.status, header(answer, 'retry-after'), answer.body]).toEqual([503, '7', 'busy']);
        expect(stub.requests).toHaveLength(1);
      },
    },
    {
      title: 'does not follow a redirect',
      play: async (stage) => {
        const { stub, port } = await stage.withStub((_request, response) => response.writeHead(302, { location: '/elsewhere' }).end());
        const answer = await stage.exchange(port, GET);
        expect([answer.status, header(answer, 'location'), stub.requests.length]).toEqual([302, '/elsewhere', 1]);
      },
    },
  ],
};
