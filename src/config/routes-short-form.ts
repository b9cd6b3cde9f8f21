import { fromJson } from './collection-types.ts';

/**
 * `/api=http://api:8080,/files=http://files:9000` → the list that YAML would give, everything else at its default.
 * A JSON list is read as it is; other text comes back as text, for the tree to refuse.
 */
export function routesFromText(text: string): unknown {
  if (text.trimStart().startsWith('[')) return fromJson(text);
  const pairs = text.split(',').map((entry) => /^\s*(\/[^=\s]*)=(\S+)\s*$/.exec(entry));
  const routes = pairs.flatMap((match) =>
    match === null
      ? []
      : [
          new Map([
            ['path', match[1]],
            ['upstream', match[2]],
          ]),
        ],
  );
  return routes.length === pairs.length ? routes : text;
}
