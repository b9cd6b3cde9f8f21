import { UndiciLane, type LaneOptions } from './undici-lane.ts';

/** Whoever has a request to send. */
export interface LaneUser {
  /** Sends it on this lane, which it gives back or drops afterwards; `false`: it need not be sent any more. */
  begin(lane: UndiciLane): boolean;
}

/**
 * The connections to one origin: a request gets the one that was used last, which is the least likely to have been closed, or a new
 * one, or waits its turn where there are as many as there may be.
 */
export class UndiciLanes {
  readonly #options: LaneOptions;
  readonly #most: number;
  readonly #idle: UndiciLane[] = [];
  readonly #waiting: LaneUser[] = [];
  readonly #ending = new Set<Promise<void>>();
  #count = 0;
  #isGoingOn = false;
  #closed: PromiseWithResolvers<void> | undefined;

  constructor(options: LaneOptions, most: number) {
    this.#options = options;
    this.#most = most;
  }

  take(user: LaneUser): void {
    const lane = this.#waiting.length > 0 ? undefined : this.#find();
    if (lane === undefined) this.#waiting.push(user);
    else this.#begin(user, lane);
  }

  /** For another attempt after a lane was dropped: on a connection that nobody has used. */
  takeNew(user: LaneUser): void {
    this.#begin(user, this.#add());
  }

  /** The request on it is over, and its connection may be used again if it is still there. */
  give(lane: UndiciLane): void {
    this.#idle.push(lane);
    this.#freed();
  }

  /** The request on it broke off: what is left of its connection is given up. */
  drop(lane: UndiciLane): void {
    this.#forget(lane);
    this.#freed();
  }

  /** Lets the requests under way end, those that wait among them, and closes every connection. */
  close(): Promise<void> {
    this.#closed ??= Promise.withResolvers();
    this.#freed();
    return this.#closed.promise;
  }

  #find(): UndiciLane | undefined {
    return this.#idle.pop() ?? (this.#count < this.#most ? this.#add() : undefined);
  }

  #add(): UndiciLane {
    this.#count++;
    return new UndiciLane(this.#options, this.#disconnected);
  }

  #forget(lane: UndiciLane): void {
    this.#count--;
    const end = new Promise<void>((resolve) => process.nextTick(() => resolve(lane.destroy()))); // not while undici is at work on it
    this.#ending.add(end);
    void end.then(() => this.#ending.delete(end));
  }

  /** An idle one without a connection would only stand in the way of those that have one. */
  readonly #disconnected = (lane: UndiciLane): void => {
    const at = this.#idle.indexOf(lane);
    if (at === -1) return;
    this.#idle.splice(at, 1);
    this.#forget(lane);
  };

  #begin(user: LaneUser, lane: UndiciLane): void {
    if (!user.begin(lane)) this.give(lane);
  }

  /** In a tick of its own: undici has not yet finished with the request before. */
  #freed(): void {
    if (this.#isGoingOn || (this.#waiting.length === 0 && this.#closed === undefined)) return;
    this.#isGoingOn = true;
    process.nextTick(() => this.#goOn());
  }

  #goOn(): void {
    this.#isGoingOn = false;
    while (this.#waiting.length > 0) {
      const lane = this.#find();
      if (lane === undefined) return;
      const user = this.#waiting.shift();
      if (user?.begin(lane) !== true) this.#idle.push(lane);
    }
    if (this.#closed === undefined) return;
    for (const lane of this.#idle.splice(0)) this.#forget(lane);
    if (this.#count === 0) this.#closed.resolve(Promise.all(this.#ending).then(() => undefined));
  }
}
