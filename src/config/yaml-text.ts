import { LineCounter, parseDocument, stringify } from 'yaml';

/** What a YAML text says: maps as `Map` (so that no key is special), in the YAML 1.2 core schema. */
export type YamlResult = { readonly kind: 'ok'; readonly value: unknown } | { readonly kind: 'invalid'; readonly message: string };

const MAX_ALIASES = 100;

/** Messages name the line and never quote the text, which may hold secrets. */
export function parseYaml(text: string): YamlResult {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: true,
    prettyErrors: false,
    logLevel: 'silent',
    lineCounter,
  });
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    const line = String(lineCounter.linePos(error.pos[0]).line);
    return { kind: 'invalid', message: `line ${line}: ${wordsOf(error.code)}` };
  }
  try {
    return { kind: 'ok', value: document.toJS({ mapAsMap: true, maxAliasCount: MAX_ALIASES }) as unknown };
  } catch {
    // The only way to fail here is the bound on aliases ("billion laughs") or an alias without its anchor.
    return { kind: 'invalid', message: 'uses aliases that cannot be resolved' };
  }
}

function wordsOf(code: string): string {
  if (code === 'DUPLICATE_KEY') return 'the same key is given twice';
  if (code === 'MULTIPLE_DOCS') return 'more than one document';
  return `not valid YAML (${code.toLowerCase().replaceAll('_', ' ')})`;
}

/** YAML of plain values. */
export function printYaml(value: unknown): string {
  return stringify(value, { version: '1.2', lineWidth: 0, aliasDuplicateObjects: false });
}
