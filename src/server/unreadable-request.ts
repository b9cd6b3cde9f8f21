import { Socket } from 'node:net';
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorCode, Failure } from '../kernel/errors.ts';
import { failureResponse } from '../kernel/failure-response.ts';
import { rawOwn } from '../proxy/own-answer.ts';

export interface UnreadableOptions {
  /** Path-absolute, with publicUrl's path. */
  readonly loginUrl: string;
  readonly nextRequestId: () => string;
  /** Set-Cookie lines that clear every cookie of ours: the way out of a header that has grown too large. */
  readonly clearAll: () => readonly string[];
}

const LINGER_MS = 2_000;
const CODES: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ['HPE_HEADER_OVERFLOW', 'header_too_large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'request_timeout'],
]);
const DETAILS: Partial<Record<ErrorCode, string>> = {
  header_too_large: 'The request headers are too large. The cookies of this application are cleared with this answer.',
  request_timeout: 'The request headers did not arrive in time.',
  bad_request: 'The request is not proper HTTP/1.1.',
};

/**
 * The http server's `clientError` handler: answers what the parser refused, then closes. The rest of what the client sends is
 * read and thrown away for a moment, because closing at once would reset the connection and lose the answer.
 */
export function refuseUnreadable(error: Error, socket: Duplex, options: UnreadableOptions): void {
  if (!socket.writable || socket.writableEnded) return; // more of the same request, after the answer
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'ECONNRESET' || hasBegunAnswer(socket)) return void socket.destroy();
  const failure: Failure = failureOf(CODES.get(code) ?? 'bad_request');
  const own = failureResponse(failure, { requestId: options.nextRequestId(), loginUrl: options.loginUrl, navigation: false });
  socket.end(rawOwn(own, failure.code === 'header_too_large' ? options.clearAll() : []));
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.on('close', () => clearTimeout(linger));
  socket.resume();
}

function failureOf(code: ErrorCode): Failure {
  const detail = DETAILS[code];
  return detail === undefined ? { code } : { code, detail };
}

/** Node keeps the response under way on the socket and looks there itself; a second head in the middle of it would split it. */
function hasBegunAnswer(socket: Duplex): boolean {
  if (!(socket instanceof Socket)) return false;
  const current = (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage;
  return current?.headersSent === true;
}
