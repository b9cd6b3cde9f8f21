import { Secret } from '../kernel/secret.ts';
import type { OptionType, Parsed } from './option-type.ts';
import { ok, refused } from './option-type.ts';
import { parseYaml } from './yaml-text.ts';

/** A JSON list or map out of the environment (JSON is YAML, so one reader serves both); other text stays text, for `parse` to refuse. */
export function fromJson(json: string): unknown {
  if (!/^\s*[[{]/.test(json)) return json;
  const parsed = parseYaml(json);
  return parsed.kind === 'ok' ? parsed.value : json;
}

/** A list of plain values. In the environment: commas, one JSON value, or one variable for each index. */
export const listOf = <T>(item: OptionType<T>): OptionType<readonly T[]> => ({
  item,
  words: `list of ${item.words}`,
  schema: { type: 'array', items: item.schema },
  parse: (raw) => {
    if (!Array.isArray(raw)) return refused('must be a list');
    const values: T[] = [];
    for (const [index, entry] of raw.entries()) {
      const parsed = item.parse(entry);
      if (parsed.kind === 'refused') return refused(`item ${String(index)} ${parsed.message}`);
      values.push(parsed.value);
    }
    return ok(values);
  },
  fromText: (it) => (it.startsWith('[') ? fromJson(it) : it.split(',').map((word) => item.fromText(word.trim()))),
  print: (values) => values.map((it) => item.print(it)),
});

const NAME = /^\P{Cc}{1,200}$/u;

/** A map with keys of the user's choice and text values. In the environment: one JSON value. */
export const freeMap = (): OptionType<Readonly<Record<string, string>>> => ({
  words: 'map of text',
  schema: { type: 'object', additionalProperties: { type: 'string' } },
  parse: (raw) => {
    if (!(raw instanceof Map)) return refused('must be a map of names to text');
    const entries = [...raw.entries()].filter((it): it is [string, string] => it.every((part) => typeof part === 'string'));
    if (entries.length !== raw.size) return refused('must map names to text (numbers in quotes)');
    if (entries.some(([name]) => !NAME.test(name) || name === '__proto__')) return refused('has a name that cannot be used');
    return ok(Object.fromEntries(entries));
  },
  fromText: fromJson,
  print: (value) => value,
});

/** A free map whose values are never shown again; the names are. */
export const secretMap = (): OptionType<Readonly<Record<string, string>>> => ({
  ...freeMap(),
  print: (value) => Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(new Secret(text))])),
});

/** `off`, or a value; `off` is `undefined` in memory. */
export const orOff = <T>(type: OptionType<T>): OptionType<T | undefined> => ({
  ...type,
  words: `${type.words}, or \`off\``,
  absent: 'off',
  schema: { anyOf: [{ const: 'off' }, type.schema] },
  parse: (raw): Parsed<T | undefined> => {
    if (raw === 'off' || raw === false) return ok(undefined);
    const parsed = type.parse(raw);
    return parsed.kind === 'ok' ? parsed : refused(`${parsed.message}, or off`);
  },
  fromText: (it) => (it === 'off' ? it : type.fromText(it)),
  print: (value) => (value === undefined ? 'off' : type.print(value)),
});

/** One of a few words, or a list of words. */
export const wordOrList = <const W extends string>(word: W, list: OptionType<readonly string[]>): OptionType<W | readonly string[]> => ({
  words: `\`${word}\`, or ${list.words}`,
  schema: { anyOf: [{ const: word }, list.schema] },
  parse: (raw) => (raw === word ? ok(word) : list.parse(raw)),
  fromText: (it) => (it === word ? it : list.fromText(it)),
  print: (value) => (value === word ? value : list.print(value as readonly string[])),
});
