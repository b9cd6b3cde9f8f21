const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs;

/**
 * Whether the outermost object of a valid JSON text names a member twice (RFC 8259 §4). JSON.parse silently takes the last one, other
 * readers the first: no two of them may see another value in the same body.
 */
export function hasRepeatedName(json: string): boolean {
  const names = new Set<unknown>();
  let depth = 0;
  let text = '';
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (token === ':' && depth === 1) {
      // `\u0061` is an `a`.
      const name: unknown = JSON.parse(text);
      if (names.has(name)) return true;
      names.add(name);
    }
    text = token;
  }
  return false;
}
