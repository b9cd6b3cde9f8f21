import { expect } from '@jest/globals';
import { GET, type ForwarderCase, type ForwarderCases, UPLOAD } from './case.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const BODY = 'Content-Length: 2\r\n\r\nok';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';

/** What an upstream does, its bytes (none: it closes), and the code of the answer. */
const BAD_ANSWERS = [
  ['closes at once', '', 'upstream_unreachable'],
  ['speaks something else', 'SSH-2.0-x\r\n', 'upstream_protocol'],
  ['answers with a status below 100', `HTTP/1.1 099 Odd\r\n${BODY}`, 'upstream_protocol'],
  ['sends two lengths', `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`, 'upstream_protocol'],
  ['sends a length and chunks', `${OK}Transfer-Encoding: chunked\r\n${BODY}`, 'upstream_protocol'],
  ['sends an unsolicited 100', `HTTP/1.1 100 Continue\r\n\r\n${OK}${BODY}`, 'upstream_protocol'],
  ['switches protocols unasked', SWITCH, 'upstream_protocol'],
  ['floods with interim answers', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100), 'upstream_protocol'],
  ['sends an endless head', `${OK}X: ${'a'.repeat(200_000)}`, 'upstream_protocol'],
] as const;

const badAnswer = ([what, bytes, code]: (typeof BAD_ANSWERS)[number]): ForwarderCase => ({
  title: `answers 502 for an upstream that ${what}`,
  play: async (stage) => {
    const { raw, port } = await stage.withRaw((socket) => (bytes === '' ? socket.destroy() : socket.write(bytes)));
    const answer = await stage.exchange(port, GET);
    expect([answer.status, answer.body]).toEqual([502, code]);
    expect([stage.ends, stage.failures.map((it) => it.code), stage.seenHeads]).toEqual([['failed'], [code], []]);
    expect(raw.heads).toHaveLength(1); // exactly one attempt
  },
});

export const UPSTREAM_FAULTS: ForwarderCases = {
  subject: 'an upstream that fails before its head',
  cases: [
    {
      title: 'answers 502 for an upstream that is not there',
      play: async (stage) => {
        const answer = await stage.exchange(await stage.open(await stage.nowhere()), GET);
        expect([answer.status, answer.body]).toEqual([502, 'upstream_unreachable']);
        expect([stage.ends, stage.failures.length, stage.seenHeads]).toEqual([['failed'], 1, []]);
      },
    },
    ...BAD_ANSWERS.map(badAnswer),
    {
      title: 'answers 504 when the response head does not come in time',
      play: async (stage) => {
        stage.plan = { headersTimeout: 50 };
        const { stub, port } = await stage.withStub(() => undefined);
        const answer = await stage.exchange(port, GET);
        expect([answer.status, answer.body]).toEqual([504, 'upstream_timeout']);
        expect(await (await stub.request()).closed).toBe(false);
        expect(stub.requests).toHaveLength(1);
      },
    },
    {
      title: 'lets the client finish its body after an answer for an upstream that is not there',
      play: async (stage) => {
        const client = await stage.client(await stage.open(await stage.nowhere()));
        const answer = await client.send(`${UPLOAD}01234`).answer();
        const next = await client.send(`56789${GET}`).answer();
        expect([answer.status, next.status]).toEqual([502, 502]);
      },
    },
    {
      title: 'lets the client read an early answer while it still sends, and both connections stay usable',
      play: async (stage) => {
        const { stub, port } = await stage.withStub((_request, response) => response.writeHead(413).end('too big'));
        const client = await stage.client(port);
        const upload = UPLOAD.replace(': 10', ': 300000');
        const answer = await client.send(upload + 'a'.repeat(1000)).answer();
        expect([answer.status, answer.body]).toEqual([413, 'too big']);
        const next = await client.send('a'.repeat(299_000) + GET).answer();
        expect([next.status, stub.requests.map((it) => it.method)]).toEqual([413, ['POST', 'GET']]);
      },
    },
    {
      title: 'lets the client read an early answer of an upstream that closes its connection with it',
      play: async (stage) => {
        const { port } = await stage.withRaw((socket) =>
          socket.end('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig'),
        );
        const client = await stage.client(port);
        const answer = await client.send(UPLOAD.replace(': 10', ': 3000000') + 'a'.repeat(2_000_000)).answer();
        const next = await client.send('a'.repeat(1_000_000) + GET).answer();
        expect([answer.status, answer.body, next.status]).toEqual([413, 'big', 413]);
      },
    },
  ],
};
