import type { UpstreamHeaders } from './response-head.ts';

const EVENT_STREAM = /^text\/event-stream(?:$|[ \t;])/i;

/** An answer that may be silent for long and lives until its maximum age (WHATWG server-sent events). */
export function isEventStream(headers: UpstreamHeaders): boolean {
  const type = headers['content-type'];
  return typeof type === 'string' && EVENT_STREAM.test(type);
}
