const MAX_LENGTH = 100;

/** The candidate that a mistyped name most likely meant; `undefined` when none is near. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const limit = Math.ceil(Math.min(name.length, MAX_LENGTH) / 3);
  const ranked = candidates.map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }));
  ranked.sort((one, other) => one.distance - other.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= limit ? best.candidate : undefined;
}

/** Levenshtein's distance over the first characters, one row of its table at a time. */
function editDistance(one: string, other: string): number {
  const target = other.slice(0, MAX_LENGTH);
  let row = Array.from({ length: target.length + 1 }, (_, column) => column);
  for (const [line, char] of Array.from(one.slice(0, MAX_LENGTH)).entries()) {
    const next = [line + 1];
    for (const [column, wanted] of Array.from(target).entries()) {
      const replaced = (row[column] ?? 0) + (char === wanted ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
