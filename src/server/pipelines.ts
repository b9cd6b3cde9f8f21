import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { endSocket } from '../kernel/end-socket.ts';
import { answerUnderWay } from './answer-under-way.ts';

/** So many requests wait on one connection. */
const MOST_WAITING = 32;
/** Bytes of a body that waits with its request; Node stops reading a connection at 64 KB of them. */
const MOST_WAITING_BODY = 16 * 1024;

interface Line {
  waiting: number;
  /** The response of the request that has waited shortest. */
  newest: ServerResponse | undefined;
  isClosed: boolean;
}

/**
 * Requests that clients send ahead of an answer (RFC 9112 §9.3.2). Each waits unread for its turn, so that answers never queue: Node
 * stops reading a connection with a queue, and then nobody hears that its client has left. For the same reason only few requests
 * wait, and no large bodies. What is more than that is thrown away, and the connection closed behind the last answer before it.
 */
export class Pipelines {
  readonly #lines = new WeakMap<Socket, Line>();

  /** `begin` is called when it is the request's turn; never when its connection is over before. */
  wait(request: IncomingMessage, response: ServerResponse, begin: () => void): void {
    const line = this.#lineOf(request.socket);
    if (line.waiting === MOST_WAITING || !isSmall(request)) this.close(request.socket);
    if (line.isClosed) return void request.resume();
    line.waiting++;
    line.newest = response;
    response.once('socket', () => {
      line.waiting--;
      // Node is in the middle of handing the connection over.
      process.nextTick(begin);
    });
  }

  /** What has its turn, or waits for it, is all that is answered on this connection. */
  close(socket: Socket): void {
    const line = this.#lineOf(socket);
    if (line.isClosed) return;
    line.isClosed = true;
    const last = line.waiting > 0 ? line.newest : answerUnderWay(socket);
    // With this Node closes the connection behind a last answer. While bytes come in that is a reset, which loses the answer (RFC 9112 §9.6).
    socket.destroySoon = () => {
      if (!socket.writableEnded) endSocket(socket, '');
    };
    if (last !== undefined) {
      last.shouldKeepAlive = false;
      last.once('finish', () => socket.destroySoon()); // its head may have said already that more will follow
    }
    process.nextTick(throwAway, socket);
  }

  #lineOf(socket: Socket): Line {
    const known = this.#lines.get(socket);
    if (known !== undefined) return known;
    const line: Line = { waiting: 0, newest: undefined, isClosed: false };
    this.#lines.set(socket, line);
    return line;
  }
}

function isSmall({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= MOST_WAITING_BODY;
}

/** Reads on, for the end of the connection, without parsing: requests without end would fill the memory. */
function throwAway(socket: Socket): void {
  socket.removeAllListeners('data');
  socket.on('data', ignore); // Node's parser lets go of a socket that somebody else reads
}

const ignore = (): void => undefined;
