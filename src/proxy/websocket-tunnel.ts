import type { Socket } from 'node:net';
import { causeOf } from '../kernel/error-code.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Timer } from '../kernel/timer.ts';
import type { LiveEnd } from '../session/live-connections.ts';
import type { ForwardEnd, LivePlan } from './forwarder.ts';
import { closeFrame, pingFrame, type Masking } from './websocket-frames.ts';
import { WebSocketLane } from './websocket-lane.ts';
import { linger } from './websocket-linger.ts';
import { WebSocketSide, type SideListener } from './websocket-side.ts';

export interface TunnelOptions {
  /** Milliseconds between two pings, to both sides; an answer is due before the next one. */
  readonly ping: number;
  readonly timer: Timer;
  readonly logger: Logger;
}

const GOING_AWAY = 1001;
const UPSTREAM_LOST = 1011;
// 1012 "service restart": come again. 4401 is ours: the session is over.
const CLOSE_CODES: Readonly<Record<LiveEnd, number>> = { session_expired: 4401, session_revoked: 4401, max_age: 1012, shutdown: 1012 };

/**
 * An open WebSocket: two sockets and the frames between them. When one side goes the other is told so, and both are closed within a
 * bounded time, whatever they do. Owns both sockets; no event of theirs is left without a listener. It is called by events and timers,
 * out of which an error would end the process: an unexpected one ends the tunnel instead.
 */
export class WebSocketTunnel implements SideListener {
  readonly #plan: LivePlan;
  readonly #options: TunnelOptions;
  readonly #client: WebSocketSide;
  readonly #upstream: WebSocketSide;
  readonly #onOver: () => void;
  #end: ForwardEnd | undefined;
  /** They have said Close to each other: how they close their connections is their own affair, and passed on. */
  #passesEnds = false;
  #leave: (() => void) | undefined;
  /** The one timer: the next ping, or the linger after the end. */
  #cancel: () => void = () => undefined;
  #isOver = false;

  constructor(client: Socket, upstream: Socket, plan: LivePlan, options: TunnelOptions, onOver: () => void) {
    this.#plan = plan;
    this.#options = options;
    this.#onOver = onOver;
    const out = new WebSocketLane(client, upstream);
    const into = new WebSocketLane(upstream, client);
    this.#client = new WebSocketSide(client, out, into);
    this.#upstream = new WebSocketSide(upstream, into, out);
  }

  /** Begins with the bytes that each side has already sent. No 'close' of theirs has been emitted. */
  start(fromClient: readonly Buffer[], fromUpstream: Buffer): void {
    this.#client.listen(this);
    this.#upstream.listen(this);
    this.#guard(() => {
      this.#live();
      this.#client.begin(fromClient);
      this.#upstream.begin([fromUpstream]);
    });
  }

  /** Apart from the bytes of the beginning, which the function that is kept here would hold. */
  #live(): void {
    this.#leave = this.#plan.onLive((why) => this.end(why));
    this.#armPing();
  }

  /** Ends it in order: the client is told why, the upstream that its client goes. */
  end(why: LiveEnd): void {
    if (this.#end !== undefined) return;
    this.#end = 'complete';
    this.#guard(() => {
      this.#client.into.shut(closeFrame(CLOSE_CODES[why], why, 'unmasked'));
      this.#upstream.into.shut(closeFrame(GOING_AWAY, '', 'masked'));
      this.#linger(false);
      this.#endAnswered();
    });
  }

  saidClose(): void {
    this.#guard(() => {
      if (this.#end !== undefined) return this.#endAnswered();
      // The upstream closes the connection first (RFC 6455 §7.1.1), and may take a moment for it.
      if (this.#client.out.hasClosed && this.#upstream.out.hasClosed) this.#beginOrderlyEnd();
    });
  }

  ended(side: WebSocketSide): void {
    this.#guard(() => this.#passEnd(side));
  }

  closed(side: WebSocketSide): void {
    const other = this.#otherOf(side);
    if (other.socket.destroyed) return this.#finish();
    this.#guard(() => {
      this.#passEnd(side);
      // Nothing can be written to it any more: what waits for it must not hold the other side up.
      other.out.discard();
    });
  }

  /** Nothing orderly can be said any more. */
  crashed(error: unknown): void {
    this.#options.logger.error('websocket_error', { error: causeOf(error) });
    this.#end ??= 'upstream_lost';
    this.#client.socket.destroy();
    this.#upstream.socket.destroy();
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.crashed(error);
    }
  }

  /** After an end by our will: whoever has said Close, and was told it, has no more to do here. */
  #endAnswered(): void {
    for (const side of [this.#client, this.#upstream]) {
      if (side.out.hasClosed && side.into.isShut) side.endWriting();
    }
  }

  #passEnd(side: WebSocketSide): void {
    const other = this.#otherOf(side);
    if (this.#end === undefined) {
      if (!side.out.hasClosed && !other.out.hasClosed) return this.#lost(side);
      this.#beginOrderlyEnd();
    }
    if (this.#passesEnds) other.endWriting();
    else if (side.into.isShut) side.endWriting();
  }

  #beginOrderlyEnd(): void {
    this.#end = 'complete';
    this.#passesEnds = true;
    this.#linger(true);
  }

  /** A side went without a word. */
  #lost(side: WebSocketSide): void {
    const isClient = side === this.#client;
    const other = this.#otherOf(side);
    this.#end = isClient ? 'client_gone' : 'upstream_lost';
    const close = isClient ? closeFrame(GOING_AWAY, '', 'masked') : closeFrame(UPSTREAM_LOST, 'upstream_lost', 'unmasked');
    const isTold = other.into.shutNow(close);
    other.out.discard();
    side.socket.destroy();
    this.#linger(true);
    if (isClient) other.endWriting();
    else if (!isTold) other.socket.destroy();
  }

  #armPing(): void {
    this.#cancel = this.#options.timer.after(this.#options.ping, () => this.#guard(() => this.#beat()));
  }

  #beat(): void {
    const dead = [this.#client, this.#upstream].find((side) => side.pulse.isDead(side.out.isPaused));
    if (dead !== undefined) return this.#lost(dead);
    this.#ask(this.#client, 'unmasked');
    this.#ask(this.#upstream, 'masked');
    this.#armPing();
  }

  /** Who has said Close owes nothing more, and who was told it owes an answer to that. */
  #ask(side: WebSocketSide, masking: Masking): void {
    const isAsked = !side.out.hasClosed && (side.into.hasClosed || side.into.insert(pingFrame(masking)));
    side.pulse.begin(isAsked, side.out.isPaused);
  }

  #linger(patient: boolean): void {
    this.#cancel();
    this.#cancel = linger([this.#client.socket, this.#upstream.socket], this.#options.timer, patient);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancel();
    this.#guard(() => this.#leave?.());
    this.#guard(() => this.#plan.onEnd(this.#end ?? 'complete'));
    this.#onOver();
  }

  #otherOf(side: WebSocketSide): WebSocketSide {
    return side === this.#client ? this.#upstream : this.#client;
  }
}
