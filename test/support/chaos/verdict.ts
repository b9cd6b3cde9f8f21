import { looksStale, outcomesOf, type ActName, type Outcome } from './acts.ts';
import { bodyOf } from './bodies.ts';
import type { Message } from './message-reader.ts';
import type { PlannedRequest } from './requests.ts';

/** What a client saw of one request: an outcome, another status, or no answer on a connection that is closed. */
export type Seen = Outcome | 'closed' | `unexpected ${string}`;

export function seenOf(request: PlannedRequest, answer: Message | undefined): Seen {
  if (answer === undefined) return 'closed';
  const status = Number(answer.start.split(' ')[1]);
  if (status === 413 && answer.body === 'big') return 413;
  if (status === 200) return isOwn(request, answer) ? (answer.whole ? 'whole' : 'cut') : 'unexpected body of another';
  const code = answer.headers.get('cloakroom-error');
  if (!answer.whole) return `unexpected part of a ${String(status)}`;
  if (status === 502 && code !== undefined && /^upstream_(?:unreachable|protocol)$/.test(code)) return 502;
  if (status === 504 && code === 'upstream_timeout') return 504;
  return `unexpected ${String(status)} ${code ?? ''}`;
}

/** Every byte of it belongs to this request. */
function isOwn(request: PlannedRequest, answer: Message): boolean {
  return answer.headers.get('x-id') === request.id && answer.body === bodyOf(request.id, '|', answer.body.length);
}

/** Whether a client that does everything right may see this. `before`: what it saw on this connection already. */
export function isAllowed(act: ActName, seen: Seen, before: readonly Seen[]): boolean {
  // Behind an answer that broke off there is no connection left.
  if (seen === 'closed') return before.some((it) => it === 'cut' || it === 'closed' || it === 413);
  return outcomesOf(act).some((it) => it === seen);
}

/** What breaks off before its turn behind another answer leaves nothing but the end of the connection. */
export const isCutInTheQueue = (act: ActName, seen: Seen, before: readonly Seen[]): boolean =>
  seen === 'closed' && before.length > 0 && isAllowed(act, 'cut', before);

/** RFC 9110 §9.2.2, as far as a request without a body goes: it is sent again on another connection when the first turns out to be closed. */
const canBeSentAgain = ({ method, body }: PlannedRequest): boolean => body === '' && (method === 'GET' || method === 'OPTIONS');

export const mostHits = (request: PlannedRequest): number => (looksStale(request.act) && canBeSentAgain(request) ? 2 : 1);

/** The 502 of a request that never came to the upstream: it went out on a connection which had been closed. */
export const wasLost = (seen: Seen, hits: number): boolean => seen === 502 && hits === 0;
/** Where the body is lost with it, or once more might be once too often. */
export const mayBeLost = (request: PlannedRequest): boolean => !canBeSentAgain(request);

/** What clients that break off may get before they do; what they get of a 200 must still be their own. */
const OWN_REFUSALS: ReadonlySet<Seen> = new Set([
  'unexpected 400 bad_request',
  'unexpected 400 path_refused',
  'unexpected 408 request_timeout',
]);

export const isTolerable = (act: ActName, seen: Seen): boolean =>
  seen === 'closed' || seen === 'cut' || OWN_REFUSALS.has(seen) || isAllowed(act, seen, []);
