import type { ServerResponse } from 'node:http';
import type { UpstreamHeaders } from './response-head.ts';

const PRINTABLE = /^[\x20-\x7e]+$/;

/**
 * Passes an upstream's interim answer on (RFC 9110 §15.2): a 102, and of a 103 its Link headers (RFC 8297), nothing else.
 * Others are dropped, as is everything for HTTP/1.0 and once the answer itself has begun.
 */
export function passInterim(response: ServerResponse, status: number, { link }: UpstreamHeaders): void {
  if (response.headersSent || response.req.httpVersionMinor === 0) return;
  if (status === 102) response.writeProcessing();
  else if (status === 103 && link !== undefined) passHints(response, [link].flat());
}

function passHints(response: ServerResponse, links: readonly string[]): void {
  try {
    response.writeEarlyHints({ link: links.filter((it) => PRINTABLE.test(it)) });
  } catch {
    // Node writes plain hints only. They may be lost: the answer itself brings them again.
  }
}
