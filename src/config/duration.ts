export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// Largest first: a printed duration uses the largest unit that divides it.
const UNITS: readonly (readonly [string, number])[] = [
  ['d', DAY],
  ['h', HOUR],
  ['m', MINUTE],
  ['s', SECOND],
  ['ms', 1],
];

/** `"30s"` → 30000 milliseconds; `undefined` for anything but one whole number and one unit of `ms s m h d`. */
export function parseDuration(text: string): number | undefined {
  const match = /^(0|[1-9]\d{0,9})(ms|s|m|h|d)$/.exec(text);
  const factor = UNITS.find(([unit]) => unit === match?.[2])?.[1];
  return factor === undefined ? undefined : Number(match?.[1]) * factor;
}

/** 30000 → `"30s"`: the form that {@link parseDuration} reads back. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  const [unit, factor] = UNITS.find(([, size]) => milliseconds % size === 0) ?? ['ms', 1];
  return `${String(milliseconds / factor)}${unit}`;
}
