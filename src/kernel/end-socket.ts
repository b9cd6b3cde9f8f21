import type { Socket } from 'node:net';

const LINGER_MS = 2_000;

/**
 * Sends the last bytes on a connection and closes it, whatever the other side does. What it still sends is read and thrown away
 * for a moment, because closing at once would reset the connection and lose the answer; then the socket is destroyed, because a
 * client that never closes its own half would otherwise hold it for ever.
 */
export function endSocket(socket: Socket, bytes: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(bytes);
  socket.resume();
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.on('close', () => clearTimeout(linger));
}
