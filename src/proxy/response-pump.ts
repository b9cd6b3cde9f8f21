import type { ServerResponse } from 'node:http';
import { cutOff } from '../kernel/cut-off.ts';
import { isEventStream } from './event-stream.ts';
import type { ForwardEnd, ForwardPlan } from './forwarder.ts';
import type { UpstreamHeaders } from './response-head.ts';

/** The side of the upstream connection that a slow client needs. */
export interface Flow {
  pause(): void;
  resume(): void;
}

const JOINED_BYTES = 8 * 1024;

/** Carries body bytes to the client: backpressure, idle limit, the age of event streams. Most answers end within the tick and arm nothing. */
export class ResponsePump {
  readonly #response: ServerResponse;
  readonly #flow: Flow;
  readonly #plan: ForwardPlan;
  readonly #eventStream: boolean;
  readonly #isSized: boolean;
  #idle: NodeJS.Timeout | undefined;
  #leave: (() => void) | undefined;
  #paused = false;
  #stopped = false;
  #cut: ForwardEnd | undefined;

  /** `headers`: the upstream's. The head has been written. */
  constructor(response: ServerResponse, flow: Flow, plan: ForwardPlan, headers: UpstreamHeaders) {
    this.#response = response;
    this.#flow = flow;
    this.#plan = plan;
    this.#eventStream = isEventStream(headers);
    this.#isSized = headers['content-length'] !== undefined;
    process.nextTick(settle, this);
  }

  /** Why this side closed the client's connection, if it was this side. */
  get cut(): ForwardEnd | undefined {
    return this.#cut;
  }

  /** Waits for the client to read. */
  get isPaused(): boolean {
    return this.#paused;
  }

  write(chunk: Buffer): void {
    if (this.#stopped) return;
    // Bytes pass through latin1 unchanged, and Node joins a string with the head: one plain write instead of a vector.
    const taken = chunk.length <= JOINED_BYTES ? this.#response.write(chunk.toString('latin1'), 'latin1') : this.#response.write(chunk);
    if (taken) this.refresh();
    else this.#pause();
  }

  /** Something moved, be it the rest of the request. */
  refresh(): void {
    this.#idle?.refresh();
  }

  /** The body is whole. */
  end(): void {
    // With a known length nothing is left to be written. Node would hand an empty string to the socket together with the last
    // bytes, and so make the one write a vector; a tick later those bytes are on their way by themselves.
    if (this.#response.chunkedEncoding) this.#response.end();
    else process.nextTick(endNow, this.#response);
  }

  stop(): void {
    this.#stopped = true;
    this.#disarmIdle();
    this.#leave?.();
    this.#leave = undefined;
  }

  /** The whole answer was not there at once: the head goes out now, and the limits begin. */
  settle(): void {
    if (this.#stopped) return;
    this.#response.flushHeaders();
    if (this.#eventStream) this.#live();
    else this.#armIdle();
  }

  #live(): void {
    try {
      this.#leave = this.#plan.onLive(() => this.#finish());
    } catch {
      this.#abort(); // nobody would ever end it; thrown on from a tick, it would end the process
    }
  }

  #pause(): void {
    if (this.#paused || this.#stopped) return;
    this.#paused = true;
    this.#flow.pause();
    this.#response.once('drain', () => this.#resume());
    // A client that stops reading is bound by the idle limit even on an event stream.
    this.#armIdle();
  }

  #resume(): void {
    this.#paused = false;
    if (this.#stopped) return;
    if (this.#eventStream) this.#disarmIdle();
    else this.#armIdle();
    this.#flow.resume();
  }

  #armIdle(): void {
    if (this.#idle === undefined) this.#idle = setTimeout(() => this.#abort(), this.#plan.idleTimeout);
    else this.#idle.refresh();
  }

  #disarmIdle(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
  }

  #abort(cut: ForwardEnd = this.#paused ? 'client_gone' : 'upstream_lost'): void {
    this.#cut = cut;
    this.stop();
    cutOff(this.#response);
  }

  /** An orderly end: the browser's EventSource connects again. A client that does not read would never get to it, and bytes that were promised cannot be left out. */
  #finish(): void {
    if (this.#paused) return this.#abort();
    if (this.#isSized) return this.#abort('complete');
    this.#cut = 'complete';
    this.stop();
    this.#response.end();
  }
}

function endNow(response: ServerResponse): void {
  response.end();
}

function settle(pump: ResponsePump): void {
  pump.settle();
}
