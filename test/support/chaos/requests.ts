import type { SeededRandom } from '../random.ts';
import { ACT_NAMES, type ActName } from './acts.ts';
import { bodyOf, chunked, LAST_CHUNK } from './bodies.ts';

/** What every request of one client carries besides what is its own. */
export interface Sender {
  /** Where the acts are found: `/api`. */
  readonly prefix: string;
  readonly host: string;
  readonly cookie: string;
}

/** One request as it will stand on the wire. */
export interface PlannedRequest {
  readonly id: string;
  readonly act: ActName;
  readonly method: string;
  readonly head: string;
  readonly body: string;
}

const SIZES = [1, 300, 65_535, 65_536, 65_537, 200_000] as const;

/** What a play asks for, unless it is anything. */
export interface Wishes {
  /** Requests without a body only. */
  readonly bodiless?: boolean;
  /** These acts only. */
  readonly acts?: readonly ActName[];
}

/** A request for a random act. */
export function planRequest(
  random: SeededRandom,
  id: string,
  sender: Sender,
  { bodiless = false, acts = ACT_NAMES }: Wishes,
): PlannedRequest {
  const act = random.pick(acts);
  const hasBody = !bodiless && random.chance(2);
  const method = hasBody ? random.pick(['POST', 'PUT', 'DELETE']) : random.pick(['GET', 'GET', 'OPTIONS']);
  return requestFor(act, { id, method, size: hasBody ? random.pick(SIZES) : 0, isChunked: random.chance(2) }, sender);
}

export interface RequestShape {
  readonly id: string;
  readonly method: string;
  readonly size: number;
  readonly isChunked: boolean;
}

export function requestFor(act: ActName, shape: RequestShape, sender: Sender): PlannedRequest {
  const { id, method, size, isChunked } = shape;
  const body = bodyOf(id, '!', size);
  const framing = size === 0 ? [] : [isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${String(size)}`];
  const own = [`Host: ${sender.host}`, `Cookie: ${sender.cookie}`, 'Sec-Fetch-Site: same-origin', `X-Size: ${String(size)}`];
  const head = `${[`${method} ${sender.prefix}/${act}/${id} HTTP/1.1`, ...own, ...framing].join('\r\n')}\r\n\r\n`;
  return { id, act, method, head, body: isChunked && size > 0 ? chunked(body, 9_999) + LAST_CHUNK : body };
}
