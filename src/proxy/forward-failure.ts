import type { Failure } from '../kernel/errors.ts';

/** Why no response head came from the upstream, in the words of the forwarder that met it. Two of them are the client's doing. */
export type ForwardFault = 'unreachable' | 'timeout' | 'protocol' | 'body_too_large' | 'client_silent' | 'internal';

const FAILURES: Readonly<Record<ForwardFault, Failure>> = {
  unreachable: { code: 'upstream_unreachable', detail: 'The upstream could not be reached, or closed the connection before it answered.' },
  timeout: { code: 'upstream_timeout', detail: 'The upstream did not answer in time.' },
  protocol: { code: 'upstream_protocol', detail: 'The upstream answered with something that is not proper HTTP/1.1.' },
  body_too_large: { code: 'payload_too_large', detail: 'The request body is larger than this route admits.' },
  client_silent: { code: 'request_timeout', detail: 'The request body stopped coming.' },
  internal: { code: 'internal_error' },
};

export const forwardFailure = (fault: ForwardFault): Failure => FAILURES[fault];
