import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The response that holds a connection now, begun or not. Node keeps it on the socket and looks there itself: bytes written
 * beside it would split it, or be taken for it.
 */
export function answerUnderWay(socket: Socket): ServerResponse | undefined {
  return (socket as Socket & { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}
