import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { cutOff } from '../kernel/cut-off.ts';

/**
 * The response that holds a connection now, begun or not. Node keeps it on the socket and looks there itself: bytes written
 * beside it would split it, or be taken for it.
 */
export function answerUnderWay(socket: Socket): ServerResponse | undefined {
  return (socket as Socket & { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

/** Destroys a connection in a way that its client cannot take an answer under way on it for a whole one. */
export function cutConnection(socket: Socket): void {
  const response = answerUnderWay(socket);
  if (response !== undefined) cutOff(response);
  socket.destroy();
}
