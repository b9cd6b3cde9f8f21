import type { Socket } from 'node:net';
import type { Timer } from '../kernel/timer.ts';
import type { LiveEnd } from '../session/live-connections.ts';
import type { ForwardEnd, ForwardPlan } from './forwarder.ts';
import { closeFrame, pingFrame, type Masking } from './websocket-frames.ts';
import { WebSocketLane } from './websocket-lane.ts';
import { linger } from './websocket-linger.ts';
import { WebSocketPulse } from './websocket-pulse.ts';

export interface TunnelOptions {
  /** Milliseconds between two pings, to both sides; an answer is due before the next one. */
  readonly ping: number;
  readonly timer: Timer;
}

const GOING_AWAY = 1001;
const UPSTREAM_LOST = 1011;
// 1012 "service restart": come again. 4401 is ours: the session is over.
const CLOSE_CODES: Readonly<Record<LiveEnd, number>> = { session_expired: 4401, session_revoked: 4401, max_age: 1012, shutdown: 1012 };

/** One peer with what goes on with it. */
interface Side {
  readonly socket: Socket;
  /** What it sends. */
  readonly out: WebSocketLane;
  /** What it is sent. */
  readonly into: WebSocketLane;
  readonly pulse: WebSocketPulse;
}

/**
 * An open WebSocket: two sockets and the frames between them. When one side goes the other is told so, and both are closed within a
 * bounded time, whatever they do. Owns both sockets; no event of theirs is left without a listener.
 */
export class WebSocketTunnel {
  readonly #plan: ForwardPlan;
  readonly #options: TunnelOptions;
  readonly #client: Side;
  readonly #upstream: Side;
  readonly #onOver: () => void;
  #end: ForwardEnd | undefined;
  /** They have said Close to each other: how they close their connections is their own affair, and passed on. */
  #passesEnds = false;
  #leave: (() => void) | undefined;
  /** The one timer: the next ping, or the linger after the end. */
  #cancel: () => void = () => undefined;
  #isOver = false;

  constructor(client: Socket, upstream: Socket, plan: ForwardPlan, options: TunnelOptions, onOver: () => void) {
    this.#plan = plan;
    this.#options = options;
    this.#onOver = onOver;
    const out = new WebSocketLane(client, upstream);
    const into = new WebSocketLane(upstream, client);
    this.#client = { socket: client, out, into, pulse: new WebSocketPulse(client) };
    this.#upstream = { socket: upstream, out: into, into: out, pulse: new WebSocketPulse(upstream) };
  }

  /** Begins with the bytes that each side has already sent. No 'close' of theirs has been emitted. */
  start(fromClient: readonly Buffer[], fromUpstream: Buffer): void {
    for (const chunk of fromClient) this.#client.out.take(chunk);
    if (fromUpstream.length > 0) this.#upstream.out.take(fromUpstream);
    this.#leave = this.#plan.onLive((why) => this.end(why));
    this.#listen(this.#client);
    this.#listen(this.#upstream);
    this.#armPing();
  }

  /** Ends it in order: the client is told why, the upstream that its client goes. */
  end(why: LiveEnd): void {
    if (this.#end !== undefined) return;
    this.#end = 'complete';
    this.#client.into.shut(closeFrame(CLOSE_CODES[why], why, 'unmasked'));
    this.#upstream.into.shut(closeFrame(GOING_AWAY, '', 'masked'));
    this.#linger(false);
    this.#endAnswered();
  }

  #listen(side: Side): void {
    const { socket, out, into, pulse } = side;
    socket.on('data', (chunk: Buffer) => {
      out.take(chunk);
      if (out.hasClosed) this.#saidClose();
    });
    socket.on('drain', () => {
      pulse.drained();
      into.resume();
    });
    socket.on('end', () => this.#ended(side));
    socket.on('close', () => this.#closed(side));
    if (!out.isPaused) socket.resume();
  }

  #saidClose(): void {
    if (this.#end !== undefined) return this.#endAnswered();
    if (!this.#client.out.hasClosed || !this.#upstream.out.hasClosed) return;
    // The upstream closes the connection first (RFC 6455 §7.1.1), and may take a moment for it.
    this.#beginOrderlyEnd();
  }

  /** After an end by our will: whoever has said Close, and was told it, has no more to do here. */
  #endAnswered(): void {
    for (const { socket, out, into } of [this.#client, this.#upstream]) {
      if (out.hasClosed && into.isShut) endWriting(socket);
    }
  }

  /** No more bytes will come from this side. */
  #ended(side: Side): void {
    const other = this.#otherOf(side);
    if (this.#end === undefined) {
      if (!side.out.hasClosed && !other.out.hasClosed) return this.#lost(side);
      this.#beginOrderlyEnd();
    }
    if (this.#passesEnds) endWriting(other.socket);
    else if (side.into.isShut) endWriting(side.socket);
  }

  #closed(side: Side): void {
    const other = this.#otherOf(side);
    if (other.socket.destroyed) return this.#finish();
    this.#ended(side);
    // Nothing can be written to it any more: what waits for it must not hold the other side up.
    other.out.discard();
  }

  #beginOrderlyEnd(): void {
    this.#end = 'complete';
    this.#passesEnds = true;
    this.#linger(true);
  }

  /** A side went without a word. */
  #lost(side: Side): void {
    const isClient = side === this.#client;
    const other = this.#otherOf(side);
    this.#end = isClient ? 'client_gone' : 'upstream_lost';
    const close = isClient ? closeFrame(GOING_AWAY, '', 'masked') : closeFrame(UPSTREAM_LOST, 'upstream_lost', 'unmasked');
    const isTold = other.into.shutNow(close);
    other.out.discard();
    side.socket.destroy();
    this.#linger(true);
    if (isClient) endWriting(other.socket);
    else if (!isTold) other.socket.destroy();
  }

  #armPing(): void {
    this.#cancel = this.#options.timer.after(this.#options.ping, () => this.#beat());
  }

  #beat(): void {
    const dead = [this.#client, this.#upstream].find((side) => side.pulse.isDead(side.out.isPaused));
    if (dead !== undefined) return this.#lost(dead);
    this.#ask(this.#client, 'unmasked');
    this.#ask(this.#upstream, 'masked');
    this.#armPing();
  }

  /** Who has said Close owes nothing more, and who was told it owes an answer to that. */
  #ask(side: Side, masking: Masking): void {
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
    this.#leave?.();
    this.#plan.onEnd(this.#end ?? 'complete');
    this.#onOver();
  }

  #otherOf(side: Side): Side {
    return side === this.#client ? this.#upstream : this.#client;
  }
}

function endWriting(socket: Socket): void {
  if (socket.writable) socket.end();
}
