import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { endSocket } from '../kernel/end-socket.ts';

/**
 * The response to a handshake: whatever is no tunnel is an ordinary answer, after which the connection is closed. Whoever makes a
 * tunnel of it detaches the socket. `early`: what came right behind the handshake, which whoever reads the socket next finds in it.
 */
export function upgradeResponse(request: IncomingMessage, early: Buffer): ServerResponse {
  const { socket } = request;
  socket.on('error', destroyed);
  if (early.length > 0) socket.unshift(early);
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.on('finish', () => {
    response.detachSocket(socket);
    endSocket(socket, '');
  });
  return response;
}

// Of no closure: it lives as long as the connection, and would hold the request and the response.
function destroyed(this: Socket): void {
  this.destroy();
}
