import type { IncomingMessage, ServerResponse } from 'node:http';
import { silentLogger, type Logger } from '../kernel/logger.ts';
import { systemTimer, type Timer } from '../kernel/timer.ts';
import type { Dial } from './dial.ts';
import type { Forwarder, ForwardPlan } from './forwarder.ts';
import { WebSocketHandshake, type OpenWebSocket } from './websocket-handshake.ts';
import { WebSocketTunnel } from './websocket-tunnel.ts';

export interface WebSocketForwarderOptions {
  readonly dial: Dial;
  /** The upstream's `host` or `host:port`, for requests whose plan names no Host. */
  readonly authority: string;
  /** Milliseconds between two pings, to both sides; a side that gives no sign of life until the next one is dead. */
  readonly ping: number;
  readonly timer?: Timer;
  /** For what nobody expects; everything else is told to a plan. */
  readonly logger?: Logger;
}

/**
 * Carries WebSockets to one upstream (RFC 6455): the handshake over a connection of its own, then frames both ways as they come. A
 * refusal by the upstream is an ordinary answer on `response`, whose socket is the client's and must have been assigned to it.
 */
export class WebSocketForwarder implements Forwarder {
  readonly #options: Required<WebSocketForwarderOptions>;
  readonly #tunnels = new Set<WebSocketTunnel>();
  #underWay = 0;
  #isClosed = false;
  #whenQuiet: (() => void)[] = [];

  constructor(options: WebSocketForwarderOptions) {
    this.#options = { timer: systemTimer, logger: silentLogger, ...options };
  }

  forward(_request: IncomingMessage, response: ServerResponse, plan: ForwardPlan): void {
    const { socket } = response;
    if (socket === null || socket.destroyed || !socket.readable) {
      socket?.destroy();
      return plan.onEnd('client_gone');
    }
    this.#underWay++;
    const handshake = new WebSocketHandshake(socket, response, plan, this.#options, (open) => this.#settled(open));
    handshake.start();
  }

  /** Ends what is open as a shutdown does, and waits for it: a WebSocket may never end by itself. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const tunnel of this.#tunnels) tunnel.end('shutdown');
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#whenQuiet.push(resolve));
  }

  #settled(open: OpenWebSocket | undefined): void {
    if (open === undefined) return this.#leave();
    const { client, upstream, plan, fromClient, fromUpstream } = open;
    const tunnel = new WebSocketTunnel(client, upstream, plan, this.#options, () => {
      this.#tunnels.delete(tunnel);
      this.#leave();
    });
    this.#tunnels.add(tunnel);
    tunnel.start(fromClient, fromUpstream);
    if (this.#isClosed) tunnel.end('shutdown');
  }

  #leave(): void {
    if (--this.#underWay > 0) return;
    const waiting = this.#whenQuiet;
    this.#whenQuiet = [];
    for (const resolve of waiting) resolve();
  }
}
