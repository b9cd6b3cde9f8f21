import type { Socket } from 'node:net';
import type { WebSocketLane } from './websocket-lane.ts';
import { WebSocketPulse } from './websocket-pulse.ts';

/** What a tunnel learns of its peers. None of these throws. */
export interface SideListener {
  /** A Close of one of them has passed. */
  saidClose(): void;
  /** No more bytes will come from this side. */
  ended(side: WebSocketSide): void;
  /** Its connection is over. */
  closed(side: WebSocketSide): void;
  /** Something that nobody expects. */
  crashed(error: unknown): void;
}

/** One peer of a tunnel with what goes on with it. */
export class WebSocketSide {
  readonly socket: Socket;
  /** What it sends. */
  readonly out: WebSocketLane;
  /** What it is sent. */
  readonly into: WebSocketLane;
  readonly pulse: WebSocketPulse;

  constructor(socket: Socket, out: WebSocketLane, into: WebSocketLane) {
    this.socket = socket;
    this.out = out;
    this.into = into;
    this.pulse = new WebSocketPulse(socket);
  }

  /** Hears the socket, which is read from with `resume`. An error out of its events would end the process. */
  listen(listener: SideListener): void {
    const { socket, out, into, pulse } = this;
    socket.on('data', (chunk: Buffer) => {
      try {
        out.take(chunk);
      } catch (error) {
        return listener.crashed(error);
      }
      if (out.hasClosed) listener.saidClose();
    });
    socket.on('drain', () => {
      pulse.drained();
      into.resume();
    });
    socket.on('end', () => listener.ended(this));
    socket.on('close', () => listener.closed(this));
  }

  /** Begins with the bytes that it has already sent. */
  begin(early: readonly Buffer[]): void {
    for (const chunk of early) if (chunk.length > 0) this.out.take(chunk);
    if (!this.out.isPaused) this.socket.resume();
  }

  endWriting(): void {
    if (this.socket.writable) this.socket.end();
  }
}
