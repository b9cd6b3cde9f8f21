import type { Tags } from 'yaml';
import { LineCounter, parseDocument, stringify } from 'yaml';

/** What a YAML text says: maps as `Map` (so that no key is special), in the YAML 1.2 core schema. */
export type YamlResult = { readonly kind: 'ok'; readonly value: unknown } | { readonly kind: 'invalid'; readonly message: string };

const MAX_ALIASES = 100;
const SYNTAX = { version: '1.2', schema: 'core' } as const;

/** Messages name the line and never quote the text, which may hold secrets. */
export function parseYaml(text: string): YamlResult {
  try {
    return read(text);
  } catch {
    // Left to fail by throwing: the bound on aliases ("billion laughs"), an alias without its anchor, nesting without end.
    return { kind: 'invalid', message: 'not valid YAML (aliases or nesting that cannot be resolved)' };
  }
}

function read(text: string): YamlResult {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { ...SYNTAX, uniqueKeys: true, prettyErrors: false, logLevel: 'error', lineCounter, customTags });
  const [error] = [...document.errors, ...document.warnings];
  if (error === undefined) return { kind: 'ok', value: document.toJS({ mapAsMap: true, maxAliasCount: MAX_ALIASES }) as unknown };
  return { kind: 'invalid', message: `line ${lineCounter.linePos(error.pos[0]).line}: ${wordsOf(error.code)}` };
}

/** No option is a fraction or a hexadecimal number: such text stays text, which numbers refuse. */
const customTags = (tags: Tags): Tags =>
  tags.filter((tag) => typeof tag === 'string' || (!tag.tag.endsWith(':float') && tag.format !== 'HEX' && tag.format !== 'OCT'));

function wordsOf(code: string): string {
  if (code === 'DUPLICATE_KEY') return 'the same key is given twice';
  if (code === 'MULTIPLE_DOCS') return 'more than one document';
  return `not valid YAML (${code.toLowerCase().replaceAll('_', ' ')})`;
}

/** YAML of plain values. */
export function printYaml(value: unknown): string {
  return stringify(value, { ...SYNTAX, lineWidth: 0, aliasDuplicateObjects: false });
}
