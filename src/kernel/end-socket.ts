import type { Socket } from 'node:net';

/** How long what a client still sends behind its last answer is read and thrown away, in milliseconds. */
export const LINGER_MS = 30_000;

/**
 * Sends the last bytes on a connection and closes it, whatever the other side does. What it still sends is read and thrown away
 * for a while, because closing at once would reset the connection and lose the answer (RFC 9112 §9.6); then the socket is
 * destroyed, because a client that never closes its own half would otherwise hold it for ever.
 */
export function endSocket(socket: Socket, bytes: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(bytes);
  socket.resume();
  const linger = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.on('close', () => clearTimeout(linger));
}
