// Signed-in GETs per CPU-second of the proxy process: upstream directly, bare http-proxy, our bare forwarder, Cloakroom's whole path.
import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { startDevProvider } from '../demo/provider/dev-provider.ts';
import { UserAgent } from '../test/support/user-agent.ts';
import { cpuSeconds } from './cpu.ts';
import { runLoad } from './load.ts';
import { startCloakroom, startTarget, type Running } from './processes.ts';
import { report, type Measured } from './report.ts';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    requests: { type: 'string', default: '30000' },
    connections: { type: 'string', default: '32' },
    out: { type: 'string', default: '.cache/bench' },
  },
});
const ROUNDS = Number(flags.rounds);
const REQUESTS = Number(flags.requests);
const CONNECTIONS = Number(flags.connections);
const PATH = '/api/orders?page=2';

interface Target {
  readonly name: string;
  readonly running: Running;
  readonly request: Buffer;
}

const port = await freePort();
const origin = `http://localhost:${String(port)}`;
const provider = await startDevProvider({ redirectUris: [`${origin}/bff/callback`], accessTokenTtl: 24 * 3600, accessTokenBytes: 900 });
const upstream = await startTarget('upstream');
const upstreamOrigin = `http://127.0.0.1:${String(upstream.port)}`;
const cloakroom = await startCloakroom(environment(), port);
const cookie = await sessionCookie();
const bearer = `Bearer ${randomBytes(675).toString('base64url')}`;
const targets: readonly Target[] = [
  {
    name: 'upstream directly',
    running: upstream,
    request: requestBytes(`127.0.0.1:${String(upstream.port)}`, [`authorization: ${bearer}`]),
  },
  { name: 'bare http-proxy', running: await startTarget('http-proxy', [upstreamOrigin, bearer]), request: signedIn() },
  {
    name: 'bare forwarder',
    running: await startTarget('bare-forwarder', [upstreamOrigin, origin, JSON.stringify(fixedHeaders())]),
    request: signedIn(),
  },
  { name: 'Cloakroom', running: cloakroom, request: signedIn() },
];
try {
  const bodyLength = await checkAnswers();
  report(
    { cookieBytes: cookie.length, requests: REQUESTS, connections: CONNECTIONS, rounds: ROUNDS },
    await measure(bodyLength),
    flags.out,
  );
} finally {
  await Promise.all(targets.map(({ running }) => running.stop()));
  await provider.close();
}

function environment(): Record<string, string> {
  return {
    CLOAKROOM_PUBLIC_URL: origin,
    CLOAKROOM_LISTEN_HOST: '127.0.0.1',
    CLOAKROOM_LISTEN_PORT: String(port),
    CLOAKROOM_MANAGEMENT_HOST: '127.0.0.1',
    CLOAKROOM_MANAGEMENT_PORT: '0',
    CLOAKROOM_PROVIDER_ISSUER: provider.issuer,
    CLOAKROOM_PROVIDER_CLIENT_ID: provider.clientId,
    CLOAKROOM_PROVIDER_CLIENT_SECRET: provider.clientSecret,
    CLOAKROOM_PROVIDER_SCOPE: 'openid,profile,email,offline_access',
    CLOAKROOM_PROVIDER_AUTHORIZE_PARAMS: '{"prompt":"consent"}',
    CLOAKROOM_COOKIE_KEYS_0_ID: '1',
    CLOAKROOM_COOKIE_KEYS_0_SECRET: randomBytes(48).toString('base64url'),
    CLOAKROOM_ROUTES: `/api=${upstreamOrigin}`,
  };
}

async function sessionCookie(): Promise<string> {
  const agent = new UserAgent({ origin });
  await agent.login('alice');
  return agent
    .cookies('/api')
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ');
}

function signedIn(): Buffer {
  return requestBytes(`localhost:${String(port)}`, [`cookie: ${cookie}`]);
}

/** What Chromium sends with a fetch, besides Host and Cookie. */
function browserHeaders(): readonly (readonly [string, string])[] {
  return [
    ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'],
    ['accept', '*/*'],
    ['sec-fetch-site', 'same-origin'],
    ['sec-fetch-mode', 'cors'],
    ['sec-fetch-dest', 'empty'],
    ['referer', `${origin}/orders`],
    ['accept-encoding', 'gzip, deflate, br'],
    ['accept-language', 'en-GB,en;q=0.9'],
  ];
}

/** The list that Cloakroom sends upstream, made once: the bare forwarder moves the same bytes and decides nothing. */
function fixedHeaders(): readonly string[] {
  const host = `localhost:${String(port)}`;
  const ours = ['x-forwarded-for', '127.0.0.1', 'x-forwarded-proto', 'http', 'x-forwarded-host', host];
  const forwarded = ['forwarded', `for=127.0.0.1;host="${host}";proto=http`, 'x-request-id', '01JDEXAMPLEEXAMPLEEXAMPLE0'];
  return [...browserHeaders().flat(), ...ours, ...forwarded, 'authorization', bearer];
}

function requestBytes(host: string, more: readonly string[]): Buffer {
  const lines = browserHeaders().map(([name, value]) => `${name}: ${value}`);
  const head = [`GET ${PATH} HTTP/1.1`, `host: ${host}`, 'connection: keep-alive', ...lines, ...more];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** A number for wrong answers is worth nothing: every target must give the upstream's own body, and the upstream must have seen a bearer. */
async function checkAnswers(): Promise<number> {
  const expected = await (await fetch(`${upstreamOrigin}${PATH}`, { headers: { authorization: bearer } })).text();
  for (const { name, running, request } of targets) {
    const { wrong, answered } = await runLoad({ port: running.port, requests: 50, connections: 2, request }, expected.length);
    if (wrong > 0 || answered !== 50)
      throw new Error(`${name}: ${String(wrong)} wrong of ${String(answered)} answers; nothing was measured`);
  }
  const refused = await fetch(`${origin}${PATH}`);
  if (refused.status !== 401) throw new Error(`Cloakroom answers ${String(refused.status)} to a request without a session`);
  return expected.length;
}

async function measure(bodyLength: number): Promise<Measured[]> {
  const measured = targets.map(({ name }) => ({ name, perCpuSecond: [] as number[], perSecond: [] as number[] }));
  for (let round = -1; round < ROUNDS; round++) {
    for (const [index, { name, running, request }] of targets.entries()) {
      const before = cpuSeconds(running.pid);
      const { answered, wrong, seconds } = await runLoad(
        { port: running.port, requests: REQUESTS, connections: CONNECTIONS, request },
        bodyLength,
      );
      const used = cpuSeconds(running.pid) - before;
      if (wrong > 0) throw new Error(`${name}: ${String(wrong)} wrong answers under load`);
      progress(round, name, answered / used);
      if (round < 0) continue; // the first one warms up
      measured[index]?.perCpuSecond.push(answered / used);
      measured[index]?.perSecond.push(answered / seconds);
    }
  }
  return measured;
}

function progress(round: number, name: string, perCpuSecond: number): void {
  const label = round < 0 ? 'warm-up' : `round ${String(round + 1)}/${String(ROUNDS)}`;
  console.log(`${label.padEnd(12)} ${name.padEnd(18)} ${perCpuSecond.toFixed(0).padStart(7)} requests per CPU-second`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  });
}
