import { errorCode } from '../kernel/error-code.ts';
import type { ForwardFault } from './forward-failure.ts';
import { BodyTooLarge } from './request-body.ts';
import { ClientSilent, UpstreamSilent } from './upload-watch.ts';

// By the class's name: undici's parser errors carry a code of the parser, and its socket errors one code for everything.
const FAULTS: ReadonlyMap<string, ForwardFault> = new Map([
  ['ConnectTimeoutError', 'timeout'],
  ['HeadersTimeoutError', 'timeout'],
  ['BodyTimeoutError', 'timeout'],
  ['HTTPParserError', 'protocol'],
  ['HeadersOverflowError', 'protocol'],
  ['ResponseContentLengthMismatchError', 'protocol'],
  ['InvalidArgumentError', 'internal'],
  ['NotSupportedError', 'internal'],
  ['RequestContentLengthMismatchError', 'internal'],
]);
// An unsolicited 100 or 101 is told only by the words of a SocketError.
const BAD_ANSWER: ReadonlySet<string> = new Set(['bad response', 'bad upgrade']);

/** undici's error, from before the response head, as a fault of ours. */
export function undiciFault(error: Error): ForwardFault {
  if (error instanceof BodyTooLarge) return 'body_too_large';
  if (error instanceof ClientSilent) return 'client_silent';
  if (error instanceof UpstreamSilent) return 'timeout';
  if (error.name === 'SocketError') return BAD_ANSWER.has(error.message) ? 'protocol' : 'unreachable';
  if (errorCode(error) === 'ETIMEDOUT') return 'timeout';
  if (errorCode(error) === 'ERR_ASSERTION') return 'protocol'; // such as a status below 100
  return FAULTS.get(error.name) ?? (errorCode(error) === undefined ? 'internal' : 'unreachable');
}
