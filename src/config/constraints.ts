import type { ValidationError } from 'class-validator';
import { ArrayUnique, Matches, Max, Min, ValidateBy, ValidateNested, validateSync } from 'class-validator';
import { formatDuration, parseDuration } from './duration.ts';
import type { Limit, ListOption, SectionClass, SectionOption } from './option.ts';
import { Option, recordLimit } from './option.ts';
import { formatSize, parseSize } from './size.ts';

type Mark = (prototype: object, key: string) => void;

export interface ConfigProblem {
  /** Such as `cookie.keys[0].secret`. */
  readonly path: string;
  /** Never holds a given value. */
  readonly message: string;
}

const both =
  (limit: Limit, ...marks: readonly Mark[]): Mark =>
  (prototype, key) => {
    recordLimit(prototype, key, limit);
    for (const mark of marks) mark(prototype, key);
  };

const range = (low: number, high: number, words: string, schema?: Limit['schema']): Mark => {
  const options = { message: `must be between ${words}` };
  return both({ words, ...(schema && { schema }) }, Min(low, options), Max(high, options));
};

/** Whole numbers from `low` to `high`, both included. */
export const Between = (low: number, high: number): Mark =>
  range(low, high, `${String(low)} and ${String(high)}`, { minimum: low, maximum: high });

/** Durations from `low` to `high`, both included, written with their units. An absent or `off` value passes. */
export const Lasting = (low: string, high: string): Mark => scaled(parseDuration, formatDuration, low, high);

/** Sizes from `low` to `high`, both included, written with their units. An absent or `off` value passes. */
export const Sized = (low: string, high: string): Mark => scaled(parseSize, formatSize, low, high);

function scaled(parse: (text: string) => number | undefined, format: (value: number) => string, low: string, high: string): Mark {
  const [from, to] = [parse(low), parse(high)];
  if (from === undefined || to === undefined) throw new Error('a limit needs a number and a unit');
  const words = `${format(from)} and ${format(to)}`;
  const within = (value: unknown): boolean => value === undefined || (typeof value === 'number' && value >= from && value <= to);
  return both({ words }, Satisfies(within, `must be between ${words}`));
}

/** Text of one form. */
export const Form = (pattern: RegExp, words: string): Mark =>
  both({ schema: { pattern: pattern.source } }, Matches(pattern, { message: `must be ${words}` }));

/** No entry of the list twice. */
export const NoRepeats = (): Mark => both({ schema: { uniqueItems: true } }, ArrayUnique({ message: 'must not name anything twice' }));

/** A rule of one's own over the value and the section it stands in. `message` must not quote the value. */
export function Satisfies(rule: (value: never, section: never) => boolean, message: string): Mark {
  return ValidateBy({
    name: message,
    validator: {
      validate: (value: unknown, args) => rule(value as never, args?.object as never),
      defaultMessage: () => message,
    },
  });
}

/** Every entry of a list keeps a rule. */
export const Each = (rule: (entry: string) => boolean, message: string): Mark =>
  Satisfies((values: readonly string[]) => values.every(rule), message);

/** {@link Option} for a section: also checks what lies inside. */
export function Section<T extends object>(spec: SectionOption<T>) {
  return <K extends string>(prototype: Readonly<Partial<Record<K, T>>>, key: K): void => {
    Option(spec)(prototype, key);
    ValidateNested()(prototype, key);
  };
}

/** {@link Option} for a list of sections: also checks what lies inside. */
export function Sections<T extends object>(spec: ListOption<T>) {
  return <K extends string>(prototype: Readonly<Partial<Record<K, readonly T[]>>>, key: K): void => {
    Option(spec)(prototype, key);
    ValidateNested({ each: true })(prototype, key);
  };
}

/** Everything that the limits of a built section and of the sections inside find wrong. */
export function violations(section: InstanceType<SectionClass>): readonly ConfigProblem[] {
  // Unknown values cannot occur here: the tree was built from its own classes, key by key.
  const options = { forbidUnknownValues: false, skipUndefinedProperties: true, validationError: { target: false, value: false } };
  return validateSync(section, options).flatMap((it) => flatten(it, ''));
}

function flatten(error: ValidationError, parent: string): readonly ConfigProblem[] {
  const path = /^\d+$/.test(error.property)
    ? `${parent}[${error.property}]`
    : parent === ''
      ? error.property
      : `${parent}.${error.property}`;
  const own = Object.values(error.constraints ?? {}).map((message) => ({ path, message }));
  return [...own, ...(error.children ?? []).flatMap((child) => flatten(child, path))];
}
