import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorCode } from '../kernel/error-code.ts';
import type { ErrorCode, Failure } from '../kernel/errors.ts';
import { failureResponse } from '../kernel/failure-response.ts';
import type { OnAnswered } from '../kernel/request-fact.ts';
import { rawOwn } from '../proxy/own-answer.ts';
import { answerUnderWay, cutConnection } from './answer-under-way.ts';
import { endSocket } from '../kernel/end-socket.ts';
import { tellLost, type OnBodyLost } from './lost-body.ts';
import type { Pipelines } from './pipelines.ts';

export interface UnreadableOptions {
  /** Path-absolute, with publicUrl's path. */
  readonly loginUrl: string;
  readonly nextRequestId: () => string;
  /** Set-Cookie lines that clear every cookie of ours: the way out of a header that has grown too large. */
  readonly clearAll: () => readonly string[];
  readonly onAnswered?: OnAnswered;
  /** A request body that stops coming, or that is no HTTP. The connection is closed afterwards. */
  readonly onBodyLost: OnBodyLost;
}

const CODES: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ['HPE_HEADER_OVERFLOW', 'header_too_large'],
  ['HPE_INVALID_URL', 'path_refused'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'request_timeout'],
]);
const DETAILS: Partial<Record<ErrorCode, string>> = {
  header_too_large: 'The request headers are too large. The cookies of this application are cleared with this answer.',
  request_timeout: 'The request headers did not arrive in time.',
  path_refused: 'The request target is not a path that can be read in only one way.',
  bad_request: 'The request is not proper HTTP/1.1.',
};
const BROKEN_BODY: Failure = { code: 'bad_request', detail: 'The request body is not proper HTTP/1.1.' };

/**
 * The http server's `clientError` handler: answers what the parser refused, then closes. Behind a request that has no answer yet it
 * is not answered, only closed in its turn. `isAnswered`: what still came was the body of a request that has its answer.
 */
export function refuseUnreadable(
  error: Error,
  stream: Duplex,
  options: UnreadableOptions,
  pipelines: Pipelines,
  isAnswered: boolean,
): void {
  if (!(stream instanceof Socket)) return void stream.destroy();
  if (endsInBody(error, stream, isAnswered)) return cutConnection(stream);
  if (!stream.writable || stream.writableEnded) return; // more of the same request, after the answer
  if (isAnswered) return void stream.end();
  const code = errorCode(error) ?? '';
  const current = answerUnderWay(stream);
  if (code === 'ECONNRESET') return cutConnection(stream);
  if (current?.req.complete === true) return pipelines.close(stream);
  if (current !== undefined) return tellLost(current, BROKEN_BODY, options.onBodyLost);
  const failure: Failure = failureOf(CODES.get(code) ?? 'bad_request');
  const requestId = options.nextRequestId();
  const own = failureResponse(failure, { requestId, loginUrl: options.loginUrl, navigation: false });
  endSocket(stream, rawOwn(own, failure.code === 'header_too_large' ? options.clearAll() : []));
  options.onAnswered?.({ requestId, method: '', route: 'refused', status: own.status, durationMs: 0 });
}

/** The client has gone, and its request is told of as such; or it has its answer. */
function endsInBody(error: Error, socket: Socket, isAnswered: boolean): boolean {
  return errorCode(error) === 'HPE_INVALID_EOF_STATE' && (isAnswered || answerUnderWay(socket) !== undefined);
}

function failureOf(code: ErrorCode): Failure {
  const detail = DETAILS[code];
  return detail === undefined ? { code } : { code, detail };
}
