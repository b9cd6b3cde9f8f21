/** Wall-clock time in milliseconds since the epoch. A port, so that tests move time instead of waiting for it. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
