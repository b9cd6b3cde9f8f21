/** So many at once. */
export const many = <T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)));

/** The value that all of them are; throws when they are not all the same. */
export function only<T>(values: readonly T[]): T {
  const [one, ...others] = [...new Set(values)];
  if (one === undefined || others.length > 0) throw new Error(`${String(others.length + 1)} different values instead of one`);
  return one;
}
