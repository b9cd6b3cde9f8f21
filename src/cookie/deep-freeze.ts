/** Freezes a JSON value through and through. Without recursion: nesting may be as deep as the text allows. */
export function deepFreeze<T>(value: T): T {
  const open: unknown[] = [value];
  while (open.length > 0) {
    const item = open.pop();
    if (typeof item !== 'object' || item === null) continue;
    Object.freeze(item);
    for (const inner of Object.values(item)) if (typeof inner === 'object') open.push(inner);
  }
  return value;
}
