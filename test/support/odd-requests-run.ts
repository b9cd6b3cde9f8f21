import { openHouse, type HouseOptions } from './house.ts';
import { OddRequests } from './odd-requests.ts';
import { RawClient } from './raw-http.ts';

export interface OddRun {
  readonly answered: number;
  /** How often each status came. */
  readonly statuses: Readonly<Record<number, number>>;
  /** What must never happen, each with the request that made it happen. */
  readonly wrong: readonly string[];
  /** Error lines of the log. */
  readonly errors: readonly string[];
  /** Whether ordinary requests still work afterwards. */
  readonly alive: boolean;
}

const AT_ONCE = 20;
const ENDPOINTS = [
  'login',
  'callback',
  'continue',
  'session',
  'refresh',
  'password-login',
  'logout',
  'logout/provider',
  'logged-out',
  'nothing',
  'events',
  '',
];
const PATHS = [
  ...ENDPOINTS.map((it) => `/bff/${it}`),
  '/api/x',
  '/api/upload',
  '/api',
  '/api/%2e%2e/x',
  '/',
  '/nothing',
  '/bff',
  '//bff/login',
];

/** Sends `count` requests that nobody sends on purpose to a house with signed-in users, and tells what came of them. */
export async function runOddRequests(count: number, seed: number, options: HouseOptions = {}): Promise<OddRun> {
  // Every endpoint is there, the optional one too.
  const config = { passwordLogin: { enabled: true, perMinute: 1000 }, ...options.config };
  const house = await openHouse({ ...options, config });
  try {
    const agent = house.newAgent();
    await agent.login('alice');
    await agent.navigate('/bff/login', { until: (url) => url.origin !== house.origin });
    const cookies = agent
      .cookies()
      .filter(({ name }) => name.includes('cloakroom'))
      .map(({ name, value }) => `${name}=${value}`);
    const other = house.newAgent();
    await other.login('alice');
    const requests = new OddRequests(seed, { host: new URL(house.origin).host, cookies, paths: PATHS });
    const statuses: Record<number, number> = {};
    const wrong: string[] = [];
    for (let sent = 0; sent < count; sent += AT_ONCE) {
      const batch = Array.from({ length: Math.min(AT_ONCE, count - sent) }, () => requests.next());
      const verdicts = await Promise.all(batch.map(({ bytes, method }) => send(house.port, bytes, method)));
      for (const [at, { status, complaint }] of verdicts.entries()) {
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (complaint !== undefined) wrong.push(`${complaint}: ${JSON.stringify(batch[at]?.bytes.toString('latin1').slice(0, 600))}`);
      }
    }
    const alive = (await other.fetch('/api/x')).status === 200 && (await fetch(`${house.managementUrl}/livez`)).status === 200;
    const errors = house.log.lines
      .filter(({ level }) => level === 'error')
      .map(({ event, fields }) => `${event} ${JSON.stringify(fields)}`);
    return { answered: Object.values(statuses).reduce((sum, n) => sum + n, 0), statuses, wrong, errors, alive };
  } finally {
    await house.close();
  }
}

async function send(port: number, bytes: Buffer, method: string): Promise<{ readonly status: number; readonly complaint?: string }> {
  const client = await RawClient.open(port);
  try {
    const answer = await client.send(bytes).answer({ bodiless: true });
    const { status, lines } = answer;
    const code = lines.find(([name]) => name === 'cloakroom-error')?.[1];
    if (status >= 500 && !(status === 503 && code !== undefined)) return { status, complaint: `${String(status)} ${String(code)}` };
    if (/^[45]/.test(String(status)) && method !== 'HEAD' && code === undefined)
      return { status, complaint: `${String(status)} without a code` };
    const split = lines.find(([name, value]) => name === 'x' || /[\r\n]/.test(value));
    return split === undefined ? { status } : { status, complaint: 'a header that somebody put in' };
  } catch (error) {
    return { status: 0, complaint: error instanceof Error ? error.message : 'no answer' };
  } finally {
    client.destroy();
  }
}
