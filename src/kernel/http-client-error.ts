import { errorCode } from './error-code.ts';

export type HttpFailureReason =
  'dns' | 'refused' | 'connect' | 'connect_timeout' | 'tls' | 'timeout' | 'reset' | 'protocol' | 'redirect' | 'too_large' | 'closed';

/**
 * A call of our own that brought no usable response.
 *
 * `sent: false` promises that not one byte of the request was written (DNS, refused, connect, TLS), so that repeating is harmless.
 * Everything after the first byte is ambiguous, a reset of a stale keep-alive socket included: nobody can tell whether the peer read
 * the request. The message is the reason word; neither the URL nor the library's error travels along.
 */
export class HttpClientError extends Error {
  readonly reason: HttpFailureReason;
  readonly sent: boolean;

  constructor(reason: HttpFailureReason, sent: boolean) {
    super(reason);
    this.name = 'HttpClientError';
    this.reason = reason;
    this.sent = sent;
  }
}

const BEFORE_SENDING: Readonly<Record<string, HttpFailureReason>> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  ECONNREFUSED: 'refused',
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  ETIMEDOUT: 'connect_timeout',
  EPROTO: 'tls',
  HOSTNAME_MISMATCH: 'tls',
};

const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_)/;

/** Classifies an error of the transport. `sent` must come from watching the request, never from the error code. */
export function classifyFailure(error: unknown, sent: boolean): HttpClientError {
  if (error instanceof HttpClientError) return error;
  const code = errorCode(error) ?? '';
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') return new HttpClientError('closed', sent);
  if (sent) return new HttpClientError(isProtocolError(error, code) ? 'protocol' : 'reset', true);
  return new HttpClientError(BEFORE_SENDING[code] ?? (TLS_CODE.test(code) ? 'tls' : 'connect'), false);
}

function isProtocolError(error: unknown, code: string): boolean {
  return (
    code.startsWith('HPE_') ||
    code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' ||
    (error instanceof Error && error.name === 'HTTPParserError')
  );
}

/** A word for the log about any error of a call; an error that is not ours is a defect, and says only that. */
export function reasonOf(error: unknown): string {
  return error instanceof HttpClientError ? error.reason : 'unexpected';
}
