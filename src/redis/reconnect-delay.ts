const FIRST = 50;
const LONGEST = 1_000;

/**
 * Milliseconds before the next attempt, after this many (from 1) that failed one after another: 50 ms, doubled up to a second, of
 * which a random half is left out, so that many processes do not come back in the same moment. `random` gives 0 to 1.
 */
export function reconnectDelay(failures: number, random: () => number): number {
  const whole = Math.min(LONGEST, FIRST * 2 ** (failures - 1));
  return Math.round(whole * (1 - random() / 2));
}
