import type { Forwarder } from './forwarder.ts';

/** One route while the process runs: where its requests go, and whether there is room for one more. */
export interface Traffic {
  readonly forwarder: Forwarder;
  /** The longest one of its connections may live, in milliseconds. */
  readonly maxAge: number;
  /** Takes a place; `false`: there is none. `sid` is absent where no session is needed. */
  enter(sid: string | undefined): boolean;
  /** Gives back the place of an `enter` that said `true`. */
  leave(sid: string | undefined): void;
}

/** The place of one request among those of its route. */
export class Place {
  readonly #traffic: Pick<Traffic, 'enter' | 'leave'>;
  #sid: string | undefined;
  #isTaken = false;

  constructor(traffic: Pick<Traffic, 'enter' | 'leave'>) {
    this.#traffic = traffic;
  }

  /** `false`: there is none. */
  take(sid: string | undefined): boolean {
    this.#isTaken = this.#traffic.enter(sid);
    this.#sid = sid;
    return this.#isTaken;
  }

  /** Gives it back if it was taken, once. */
  leave(): void {
    if (this.#isTaken) this.#traffic.leave(this.#sid);
    this.#isTaken = false;
  }
}

/** Ordinary requests of one route: at most `maxInFlight` at once. */
export class RequestTraffic implements Traffic {
  readonly forwarder: Forwarder;
  readonly maxAge: number;
  readonly #most: number;
  #inFlight = 0;

  constructor(forwarder: Forwarder, route: { readonly maxAge: number; readonly maxInFlight: number }) {
    this.forwarder = forwarder;
    this.maxAge = route.maxAge;
    this.#most = route.maxInFlight;
  }

  enter(): boolean {
    if (this.#inFlight >= this.#most) return false;
    this.#inFlight++;
    return true;
  }

  leave(): void {
    this.#inFlight--;
  }
}

export interface WebSocketLimits {
  /** Milliseconds. */
  readonly maxAge: number;
  /** Connections of one session, and of all: handshakes under way count. */
  readonly perSession: number;
  readonly total: number;
}

/** Places for WebSockets, shared by the routes of one frontend. */
export class WebSocketPlaces {
  readonly limits: WebSocketLimits;
  readonly #bySid = new Map<string, number>();
  #taken = 0;

  constructor(limits: WebSocketLimits) {
    this.limits = limits;
  }

  enter(sid: string | undefined): boolean {
    const own = sid === undefined ? 0 : (this.#bySid.get(sid) ?? 0);
    if (this.#taken >= this.limits.total || own >= this.limits.perSession) return false;
    this.#taken++;
    if (sid !== undefined) this.#bySid.set(sid, own + 1);
    return true;
  }

  leave(sid: string | undefined): void {
    this.#taken--;
    if (sid === undefined) return;
    const own = this.#bySid.get(sid) ?? 0;
    if (own > 1) this.#bySid.set(sid, own - 1);
    else this.#bySid.delete(sid);
  }
}

/** WebSockets of one route. */
export class WebSocketTraffic implements Traffic {
  readonly forwarder: Forwarder;
  readonly maxAge: number;
  readonly #places: WebSocketPlaces;
  readonly #isStopping: () => boolean;

  constructor(forwarder: Forwarder, places: WebSocketPlaces, isStopping: () => boolean) {
    this.forwarder = forwarder;
    this.maxAge = places.limits.maxAge;
    this.#places = places;
    this.#isStopping = isStopping;
  }

  enter(sid: string | undefined): boolean {
    return !this.#isStopping() && this.#places.enter(sid);
  }

  leave(sid: string | undefined): void {
    this.#places.leave(sid);
  }
}
