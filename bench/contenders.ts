import { randomBytes } from 'node:crypto';
import { browserHeaders, requestBytes, type BrowserRequest } from './browser-request.ts';
import { openHouse, type House } from './house.ts';
import { askOnce } from './load.ts';
import { startTarget, type Running } from './processes.ts';

export const NAMES = ['upstream directly', 'bare http-proxy', 'bare forwarder', 'Cloakroom', 'Cloakroom before'] as const;
export type Name = (typeof NAMES)[number];

/** Something that can be asked for the upstream's answers. */
export interface Contender {
  readonly name: Name;
  readonly running: Running;
  /** A whole request of somebody who is signed in. */
  readonly request: (request: BrowserRequest) => Buffer;
}

export interface Contenders {
  readonly all: readonly Contender[];
  readonly stop: () => Promise<void>;
}

/** What stands in for an access token where none is issued: as long as the real one. */
export const BEARER = `Bearer ${randomBytes(675).toString('base64url')}`;

/** Starts everything that is compared under load; `before` is the folder of another built checkout. */
export async function startContenders(before: string | undefined): Promise<Contenders> {
  const upstream = await startTarget('upstream');
  const upstreamOrigin = originOf(upstream);
  const house = await openHouse({ upstreamOrigin });
  const earlier = before === undefined ? undefined : await openHouse({ checkout: before, upstreamOrigin });
  const host = new URL(house.origin).host;
  const all: Contender[] = [
    direct(upstream),
    { ...signedIn('bare http-proxy', house), running: await startTarget('http-proxy', [upstreamOrigin, BEARER]) },
    {
      ...signedIn('bare forwarder', house),
      running: await startTarget('bare-forwarder', [upstreamOrigin, house.origin, JSON.stringify(fixedHeaders(house.origin, host))]),
    },
    signedIn('Cloakroom', house),
    ...(earlier === undefined ? [] : [signedIn('Cloakroom before', earlier)]),
  ];
  const stop = async (): Promise<void> => {
    await Promise.all([...all.map(({ running }) => running.stop()), house.stop(), earlier?.stop()]);
  };
  return { all, stop };
}

export const originOf = ({ port }: Running): string => `http://127.0.0.1:${port}`;

export function signedIn(name: Name, { running, origin, cookie }: House): Contender {
  const request = ({ lines = [], ...rest }: BrowserRequest): Buffer =>
    requestBytes(new URL(origin).host, origin, { ...rest, lines: [...lines, `cookie: ${cookie}`] });
  return { name, running, request };
}

function direct(running: Running): Contender {
  const origin = originOf(running);
  const request = ({ lines = [], ...rest }: BrowserRequest): Buffer =>
    requestBytes(new URL(origin).host, origin, { ...rest, lines: [...lines, `authorization: ${BEARER}`] });
  return { name: 'upstream directly', running, request };
}

/** The list that Cloakroom sends upstream, made once: the bare forwarder moves the same bytes and decides nothing. */
function fixedHeaders(origin: string, host: string): readonly string[] {
  const ours = ['x-forwarded-for', '127.0.0.1', 'x-forwarded-proto', 'http', 'x-forwarded-host', host];
  const forwarded = ['forwarded', `for=127.0.0.1;host="${host}";proto=http`, 'x-request-id', '01JDEXAMPLEEXAMPLEEXAMPLE0'];
  return [...browserHeaders(origin).flat(), ...ours, ...forwarded, 'authorization', BEARER];
}

/**
 * A number for wrong answers is worth nothing: every contender must give the very bytes that the upstream gives, which wants a
 * bearer, and a Cloakroom must refuse a request without a session. Returns how many bytes that is.
 */
export async function checkAnswers(contenders: readonly Contender[], request: BrowserRequest): Promise<number> {
  const bodies = await Promise.all(contenders.map((it) => bodyOf(it, request)));
  const expected = bodies[0] ?? Buffer.alloc(0);
  for (const [index, { name, running }] of contenders.entries()) {
    if (bodies[index]?.equals(expected) !== true) throw new Error(`${name}: not the upstream's own body; nothing was measured`);
    if (!name.startsWith('Cloakroom')) continue;
    const anonymous = requestBytes(`localhost:${running.port}`, `http://localhost:${running.port}`, request);
    const { status } = await askOnce(running.port, anonymous);
    if (status !== 401) throw new Error(`${name} answers ${status} to a request without a session`);
  }
  return expected.length;
}

async function bodyOf({ name, running, request }: Contender, wanted: BrowserRequest): Promise<Buffer> {
  const { status, body } = await askOnce(running.port, request(wanted));
  if (status !== 200) throw new Error(`${name} answers ${status} to ${wanted.path}; nothing was measured`);
  return body;
}
