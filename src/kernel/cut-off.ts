import type { ServerResponse } from 'node:http';

/**
 * Breaks an answer off in a way that its client can tell from a whole one. Destroying the connection is enough where the body has a
 * length or chunks; to HTTP/1.0 the orderly end of a connection is the end of the body, and only a reset is not (RFC 9112 §6.3).
 */
export function cutOff(response: ServerResponse): void {
  const { socket, httpVersionMinor } = response.req;
  if (httpVersionMinor === 0 && !('encrypted' in socket)) socket.resetAndDestroy();
  else response.destroy();
}
