export const KIB = 1024;
export const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

// Largest first: a printed size uses the largest unit that divides it.
const UNITS: readonly (readonly [string, number])[] = [
  ['GiB', GIB],
  ['MiB', MIB],
  ['KiB', KIB],
  ['B', 1],
];

/** `"6KiB"` → 6144 bytes; `undefined` for anything but one whole number and one unit of `B KiB MiB GiB`. */
export function parseSize(text: string): number | undefined {
  const match = /^(0|[1-9]\d{0,11})(B|KiB|MiB|GiB)$/.exec(text);
  const factor = UNITS.find(([unit]) => unit === match?.[2])?.[1];
  const bytes = Number(match?.[1]) * (factor ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** 6144 → `"6KiB"`: the form that {@link parseSize} reads back. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0B';
  const [unit, factor] = UNITS.find(([, size]) => bytes % size === 0) ?? ['B', 1];
  return `${String(bytes / factor)}${unit}`;
}
