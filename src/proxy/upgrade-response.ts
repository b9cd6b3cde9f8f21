import { ServerResponse, type IncomingMessage } from 'node:http';
import { endSocket } from '../kernel/end-socket.ts';

/**
 * The response to a handshake: whatever is no tunnel is an ordinary answer, after which the connection is closed. Whoever makes a
 * tunnel of it detaches the socket.
 */
export function upgradeResponse(request: IncomingMessage): ServerResponse {
  const { socket } = request;
  socket.on('error', () => socket.destroy());
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.on('finish', () => {
    response.detachSocket(socket);
    endSocket(socket, '');
  });
  return response;
}
