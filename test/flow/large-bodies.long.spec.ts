import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, request, type ClientRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDevProvider, type DevProvider } from '../../demo/provider/dev-provider.ts';
import { EndlessPattern, type PatternCheck } from '../support/endless-pattern.ts';
import { freePort } from '../support/free-port.ts';
import { ServeProcess } from '../support/serve-process.ts';
import { UserAgent } from '../support/user-agent.ts';

const MIB = 1024 * 1024;
const FIVE_GIB = 5 * 1024 * MIB;
const MOST_GROWTH = 50_000_000;
const KEY = 'dGVzdC1rZXktd2l0aC1tYW55LWJ5dGVzLTAxMjM0NTY3ODkrYWJjZGVmZ2hpams';
const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
const pattern = new EndlessPattern();

describe('five gibibytes through a process of its own', () => {
  let upstream: Server;
  let provider: DevProvider;
  let proxy: ServeProcess;
  let origin: string;
  let cookie: string;
  /** Resident memory of a process that has carried no body yet. */
  let fresh = 0;
  /** What the upstream has handed over of the answer under way. */
  let sent = 0;

  beforeAll(async () => {
    upstream = createServer((incoming, response) => {
      if (incoming.method === 'POST') {
        const check = pattern.check();
        incoming.on('data', (chunk: Buffer) => check.take(chunk));
        incoming.on('end', () => response.end(JSON.stringify({ bytes: check.bytes, isIntact: check.isIntact })));
        return;
      }
      const { bytes, framing } = Object.fromEntries(new URL(incoming.url ?? '', 'http://relative.invalid').searchParams);
      response.writeHead(200, framing === 'length' ? { 'content-length': Number(bytes) } : {});
      void pattern.send(response, Number(bytes), (so) => (sent = so));
    });
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const port = await freePort();
    origin = `http://localhost:${String(port)}`;
    provider = await startDevProvider({ redirectUris: [`${origin}/bff/callback`], accessTokenTtl: 24 * 3_600 });
    proxy = await ServeProcess.start({
      publicUrl: origin,
      listen: { host: '127.0.0.1', port },
      management: { host: '127.0.0.1', port: 0 },
      provider: {
        issuer: provider.issuer,
        clientId: provider.clientId,
        clientSecret: provider.clientSecret,
        authorizeParams: { prompt: 'consent' },
      },
      cookie: { keys: [{ id: 1, secret: KEY }] },
      routes: [{ path: '/api', upstream: `http://127.0.0.1:${String((upstream.address() as AddressInfo).port)}` }],
    });
    await proxy.line('listening');
    const agent = new UserAgent({ origin });
    await agent.login('alice');
    cookie = agent
      .cookies(`${origin}/`)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    fresh = (await proxy.memory()).now;
  });

  afterAll(async () => {
    await proxy.discard();
    await provider.close();
    upstream.closeAllConnections();
    upstream.close();
  });

  const open = (path: string, method: string, headers: Readonly<Record<string, string>> = {}): ClientRequest =>
    request(new URL(path, origin), { method, agent: false, headers: { cookie, 'sec-fetch-site': 'same-origin', ...headers } });

  async function answerOf(outgoing: ClientRequest): Promise<IncomingMessage> {
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    return answer;
  }

  async function upload(bytes: number, headers: Readonly<Record<string, string>>): Promise<unknown> {
    const outgoing = open('/api/x', 'POST', headers);
    const answer = answerOf(outgoing);
    await pattern.send(outgoing, bytes);
    return json(await answer);
  }

  async function download(
    bytes: number,
    framing: string,
    onChunk: (answer: IncomingMessage) => void = () => undefined,
  ): Promise<PatternCheck> {
    const outgoing = open(`/api/x?bytes=${String(bytes)}&framing=${framing}`, 'GET');
    outgoing.end();
    const answer = await answerOf(outgoing);
    const check = pattern.check();
    answer.on('data', (chunk: Buffer) => {
      check.take(chunk);
      onChunk(answer);
    });
    await once(answer, 'end');
    return check;
  }

  /** How much more memory than at its start the proxy ever had while this ran. */
  async function growthDuring(what: string, running: () => Promise<void>): Promise<number> {
    await proxy.forgetPeak();
    const { now: before } = await proxy.memory();
    const began = performance.now();
    await running();
    const seconds = (performance.now() - began) / 1_000;
    const { now: after, peak } = await proxy.memory();
    process.stderr.write(
      `${what}: ${seconds.toFixed(1)} s, resident ${mib(before)} before, ${mib(peak)} at most, ${mib(after)} after; fresh ${mib(fresh)}\n`,
    );
    return peak - fresh;
  }

  it.each([
    ['with its length', { 'content-length': String(FIVE_GIB) }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])('go up whole, %s, and the process grows by less than 50 MB', async (name, headers) => {
    const growth = await growthDuring(`upload ${name}`, async () => {
      expect(await upload(FIVE_GIB, headers)).toEqual({ bytes: FIVE_GIB, isIntact: true });
    });
    expect(growth).toBeLessThan(MOST_GROWTH);
  });

  it.each(['length', 'chunks'])('come down whole, by %s, and the process grows by less than 50 MB', async (framing) => {
    const growth = await growthDuring(`download by ${framing}`, async () => {
      const check = await download(FIVE_GIB, framing);
      expect([check.bytes, check.isIntact]).toEqual([FIVE_GIB, true]);
    });
    expect(growth).toBeLessThan(MOST_GROWTH);
  });

  it('wait in the upstream, not in the process, while the client does not read', async () => {
    const bytes = 1024 * MIB;
    let [stops, read] = [0, 0];
    const held: number[] = [];
    const growth = await growthDuring('download with pauses', async () => {
      const check = await download(bytes, 'length', (answer) => {
        read++;
        if (read % 2_000 !== 0 || stops === 5) return;
        stops++;
        answer.pause();
        void steadySent().then((so) => {
          held.push(so);
          answer.resume();
        });
      });
      expect([check.bytes, check.isIntact, stops]).toEqual([bytes, true, 5]);
    });
    expect(growth).toBeLessThan(MOST_GROWTH);
    // It stood still long before the end.
    expect(held.filter((so) => so === bytes)).toEqual([]);
  });

  /** What the upstream has handed over once it does not go on. */
  async function steadySent(): Promise<number> {
    for (let before = -1; before !== sent;) {
      before = sent;
      await sleep(100);
    }
    return sent;
  }
});
